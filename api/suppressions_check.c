/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources.h"

#include "api/body.h"
#include "api/problem.h"
#include "api/subject.h"
#include "api/table.h"
#include "api/words.h"
#include "core/address.h"
#include "core/encoding.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/timestamp.h"

static const char *const COLUMNS[] = {
	"address", "ref",    "result", "mail",       "stream",     "reason",
	"origin",  "policy", "since",  "expires_at", "diagnostic", "report_id",
};

#define COLUMN_COUNT (sizeof(COLUMNS) / sizeof(COLUMNS[0]))

/* What was asked, in the order of the body: addresses, then refs. */
struct asked {
	struct suppression_question *questions;
	struct slice *addresses; /* as given */
	size_t count;
	size_t address_count;
	struct slice stream; /* empty: mail of any stream */
};

static struct slice digest_read(struct slice text, struct arena *arena)
{
	char *digest;

	if (text.len != HEX_LEN(SHA256_LEN))
		return SLICE_NONE;
	digest = arena_alloc(arena, SHA256_LEN);
	if (hex_decode(text, (uint8_t *)digest, SHA256_LEN) != SHA256_LEN)
		return SLICE_NONE;
	return slice_from(digest, SHA256_LEN);
}

static bool addresses_read(const struct node *array, struct asked *asked)
{
	struct arena *arena = array->call->arena;

	for (size_t i = 0; i < asked->address_count; i++) {
		struct slice text = SLICE_NONE;

		if (!body_element_text(array, i, &text))
			return false;
		asked->addresses[i] = arena_copy(arena, text);
		asked->questions[i].digest = digest_read(text, arena);
		if (slice_empty(asked->questions[i].digest) && text.len <= LIMIT_ADDRESS)
			asked->questions[i].address_key = address_normalise(arena, text);
	}
	return true;
}

static bool refs_read(const struct node *array, struct asked *asked)
{
	for (size_t i = asked->address_count; i < asked->count; i++) {
		size_t index = i - asked->address_count;
		struct slice text = SLICE_NONE;

		if (!body_element_text(array, index, &text))
			return false;
		if (!is_ref(text))
			return body_refuse_element(array, index,
						   "a ref is 1 to 255 printable bytes");
		asked->questions[i].ref = arena_copy(array->call->arena, text);
	}
	return true;
}

static bool asked_read(struct call *call, struct asked *ret_asked)
{
	static const char *const MEMBERS[] = { "addresses", "refs", "stream", NULL };
	struct node addresses, refs;
	BODY_ROOT body = { 0 };
	size_t ref_count;

	if (!body_parse(call, &body) || !body_only(&body, MEMBERS) ||
	    !body_word(&body, "stream", is_stream_word, &ret_asked->stream) ||
	    !body_array(&body, "addresses", LIMIT_CHECK_ADDRESSES, &addresses,
			&ret_asked->address_count) ||
	    !body_array(&body, "refs", LIMIT_CHECK_ADDRESSES - ret_asked->address_count, &refs,
			&ref_count))
		return false;
	ret_asked->stream = arena_copy(call->arena, ret_asked->stream);
	ret_asked->count = ret_asked->address_count + ref_count;
	if (ret_asked->count == 0)
		return body_refuse(&body, "addresses", "addresses or refs must be given");
	ret_asked->questions =
		ARENA_ARRAY(call->arena, struct suppression_question, ret_asked->count);
	ret_asked->addresses = ARENA_ARRAY(call->arena, struct slice, ret_asked->address_count);
	return addresses_read(&addresses, ret_asked) && refs_read(&refs, ret_asked);
}

/* An entry for all streams speaks about each of them, and so does any entry when no stream is
 * named. */
static bool hit_applies(const struct suppression_hit *hit, struct slice stream)
{
	return slice_empty(stream) || slice_equal(stream, SLICE("all")) ||
	       slice_equal(hit->stream, SLICE("all")) || slice_equal(hit->stream, stream);
}

/* Of the hits of one item the first that applies, preferring one for all streams; or NULL. */
static const struct suppression_hit *hit_choose(const struct suppression_hits *hits, size_t *at,
						size_t item, struct slice stream)
{
	const struct suppression_hit *chosen = NULL;

	for (; *at < hits->count && hits->hits[*at].item == item; (*at)++) {
		const struct suppression_hit *hit = &hits->hits[*at];

		if (hit_applies(hit, stream) && (!chosen || slice_equal(hit->stream, SLICE("all"))))
			chosen = hit;
	}
	return chosen;
}

static bool question_valid(const struct suppression_question *question)
{
	return !slice_empty(question->address_key) || !slice_empty(question->digest) ||
	       !slice_empty(question->ref);
}

static void item_write(struct table *table, const struct asked *asked, size_t i,
		       const struct suppression_hit *hit)
{
	static const struct suppression_hit NO_HIT = { .created_at = TIME_NONE,
						       .expires_at = TIME_NONE };
	bool valid = question_valid(&asked->questions[i]);
	const struct suppression_hit *shown = hit ? hit : &NO_HIT;

	table_row_begin(table);
	table_text(table, i < asked->address_count ? asked->addresses[i] : SLICE_NONE);
	table_text(table, asked->questions[i].ref);
	table_text(table, !valid ? SLICE("invalid") : hit ? SLICE("suppressed") : SLICE("clear"));
	table_bool(table, valid && !hit);
	table_text(table, shown->stream);
	table_text(table, shown->reason);
	table_text(table, shown->origin);
	table_text(table, shown->policy);
	table_time(table, shown->created_at);
	table_time(table, shown->expires_at);
	table_text(table, shown->diagnostic);
	table_text(table, shown->report_id);
	table_row_end(table);
}

void suppressions_check(struct call *call)
{
	struct suppression_hits hits;
	struct asked asked = { 0 };
	struct table table;
	size_t at = 0;

	if (!asked_read(call, &asked) ||
	    !problem_none(call,
			  suppression_check(call->pg, call->principal.account_id, asked.questions,
					    asked.count, call->arena, &hits)))
		return;
	table_begin(&table, call, COLUMNS, COLUMN_COUNT);
	for (size_t i = 0; i < asked.count; i++)
		item_write(&table, &asked, i, hit_choose(&hits, &at, i, asked.stream));
	table_end(&table, SLICE_NONE);
}
