/* SPDX-License-Identifier: Apache-2.0 */
/* DNS for tests: a few records that answer what a table wants, instead of a resolver. */
#ifndef BOUNCED_TESTS_ZONE_H
#define BOUNCED_TESTS_ZONE_H

#include <assert.h>

#include "core/arena.h"
#include "ingest/dns.h"

#define ZONE_MAX     400
#define ZONE_CNAME   5
#define ZONE_ALIASES 8

struct zone_record {
	struct slice name;
	int type; /* 0: what has no record above this one times out */
	struct slice data;
};

struct zone {
	struct zone_record records[ZONE_MAX];
	size_t count;
};

static inline void zone_add(struct zone *zone, struct slice name, int type, struct slice data)
{
	assert(zone->count < ZONE_MAX);
	zone->records[zone->count++] = (struct zone_record){ name, type, data };
}

/* The records of a name; follows aliases, and fails where they have no end. */
static inline struct dns_answer zone_answer(const struct zone *zone,
					    const struct dns_question *question,
					    struct arena *arena)
{
	struct slice *found = ARENA_ARRAY(arena, struct slice, ZONE_MAX);
	struct slice name = question->name;

	for (unsigned aliases = 0; aliases < ZONE_ALIASES; aliases++) {
		struct dns_answer answer = { .records = found };
		const struct zone_record *alias = NULL;

		for (size_t i = 0; i < zone->count; i++) {
			const struct zone_record *record = &zone->records[i];

			if (!slice_equal_nocase(record->name, name))
				continue;
			if (record->type == (int)question->type)
				found[answer.count++] = record->data;
			else if (record->type == ZONE_CNAME)
				alias = record;
			else if (record->type == 0 && answer.count == 0)
				answer.failed = true;
		}
		if (alias == NULL)
			return answer;
		name = alias->data;
	}
	return (struct dns_answer){ .failed = true };
}

/* Answers all that the table wants; false: it wants nothing. */
static inline bool zone_feed(const struct zone *zone, struct dns_table *table, struct arena *arena)
{
	const struct dns_question *question;
	bool any = false;

	while ((question = dns_table_next(table)) != NULL) {
		struct dns_answer answer = zone_answer(zone, question, arena);

		dns_table_answer(table, question, &answer);
		any = true;
	}
	return any;
}

#endif
