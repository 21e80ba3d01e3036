/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/dns.h"

#include <assert.h>

#include "core/limits.h"

#define NAME_MAX_LEN  253
#define LABEL_MAX_LEN 63

struct entry {
	struct dns_question question;
	struct dns_answer answer;
	bool answered;
};

struct dns_table {
	struct arena *arena;
	struct entry entries[LIMIT_DNS_QUESTIONS];
	size_t count;
	size_t handed_out;
	bool given_up;
};

static const struct dns_answer NOTHING = { 0 };
static const struct dns_answer FAILED = { .failed = true };

struct dns_table *dns_table_new(struct arena *arena)
{
	struct dns_table *table = ARENA_NEW(arena, struct dns_table);

	table->arena = arena;
	return table;
}

struct slice dns_name_chop(struct slice name)
{
	return slice_ends_with(name, SLICE(".")) ? slice_head(name, name.len - 1) : name;
}

bool dns_name_valid(struct slice name)
{
	struct slice rest = dns_name_chop(name);

	if (slice_empty(rest) || rest.len > NAME_MAX_LEN || rest.ptr[rest.len - 1] == '.')
		return false;
	for (struct slice label; slice_next_field(&rest, '.', &label);)
		if (label.len == 0 || label.len > LABEL_MAX_LEN)
			return false;
	return true;
}

const struct dns_answer *dns_lookup(struct dns_table *table, struct slice name, enum dns_type type)
{
	if (!dns_name_valid(name))
		return &NOTHING;
	name = dns_name_chop(name);
	for (size_t i = 0; i < table->count; i++) {
		struct entry *entry = &table->entries[i];

		if (entry->question.type == type && slice_equal_nocase(entry->question.name, name))
			return entry->answered ? &entry->answer : NULL;
	}
	if (table->given_up || table->count == LIMIT_DNS_QUESTIONS)
		return &FAILED;
	table->entries[table->count++].question =
		(struct dns_question){ arena_lower(table->arena, name), type };
	return NULL;
}

const struct dns_question *dns_table_next(struct dns_table *table)
{
	return table->handed_out < table->count ? &table->entries[table->handed_out++].question
						: NULL;
}

size_t dns_table_unanswered(const struct dns_table *table)
{
	size_t count = 0;

	for (size_t i = 0; i < table->handed_out; i++)
		count += !table->entries[i].answered;
	return count;
}

void dns_table_answer(struct dns_table *table, const struct dns_question *question,
		      const struct dns_answer *answer)
{
	struct slice *records = ARENA_ARRAY(table->arena, struct slice, answer->count);

	for (size_t i = 0; i < answer->count; i++)
		records[i] = arena_copy(table->arena, answer->records[i]);
	size_t place = 0;

	while (place < table->handed_out && &table->entries[place].question != question)
		place++;
	assert(place < table->handed_out && !table->entries[place].answered);
	table->entries[place].answer =
		(struct dns_answer){ answer->failed, records, answer->count };
	table->entries[place].answered = true;
}

void dns_table_give_up(struct dns_table *table)
{
	table->given_up = true;
	table->handed_out = table->count;
	for (size_t i = 0; i < table->count; i++) {
		if (table->entries[i].answered)
			continue;
		table->entries[i].answer = FAILED;
		table->entries[i].answered = true;
	}
}
