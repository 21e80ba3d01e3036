/* SPDX-License-Identifier: Apache-2.0 */
#include "store/suppression_query.h"

#include "store/statements.h"

/* Two writers of one subject: the second look finds what the first one wrote. */
#define PUT_ATTEMPTS 3

static struct suppression_row row_read(const PGresult *result, int i, struct arena *arena)
{
	return (struct suppression_row){
		.id = pg_uuid(result, i, "suppression_id"),
		.stream = arena_copy(arena, pg_text(result, i, "stream")),
		.address = arena_copy(arena, pg_text(result, i, "address")),
		.address_key = arena_copy(arena, pg_text(result, i, "address_key")),
		.ref = arena_copy(arena, pg_text(result, i, "ref")),
		.reason = arena_copy(arena, pg_text(result, i, "reason")),
		.origin = arena_copy(arena, pg_text(result, i, "origin")),
		.policy = arena_copy(arena, pg_text(result, i, "policy")),
		.evidence = arena_copy(arena, pg_text(result, i, "evidence")),
		.can_reactivate = pg_bool(result, i, "can_reactivate"),
		.change_number = pg_int(result, i, "change_number"),
		.created_at = pg_time(result, i, "created_at"),
		.updated_at = pg_time(result, i, "updated_at"),
		.expires_at = pg_time(result, i, "expires_at"),
	};
}

static void rows_read(const PGresult *result, struct arena *arena,
		      struct suppression_rows *ret_rows)
{
	size_t count = (size_t)pg_rows(result);

	ret_rows->rows = ARENA_ARRAY(arena, struct suppression_row, count);
	ret_rows->count = count;
	for (size_t i = 0; i < count; i++)
		ret_rows->rows[i] = row_read(result, (int)i, arena);
}

enum err suppression_get(struct pg *pg, uint64_t account_id,
			 const struct suppression_subject *subject, struct slice stream,
			 struct arena *arena, struct suppression_rows *ret_rows)
{
	PG_RESULT result = NULL;
	struct pg_params params;
	enum err err;

	pg_params_init(&params, arena);
	pg_param_int8(&params, (int64_t)account_id);
	pg_param_text(&params, subject->address_key);
	pg_param_text(&params, subject->ref);
	pg_param_text(&params, stream);
	err = pg_err(pg_exec_account(pg, account_id, SQL_SUPPRESSION_GET, &params, &result));
	if (err == OK)
		rows_read(result, arena, ret_rows);
	return err;
}

enum err suppression_list(struct pg *pg, uint64_t account_id,
			  const struct suppression_filter *filter, struct arena *arena,
			  struct suppression_rows *ret_rows)
{
	PG_RESULT result = NULL;
	struct pg_params params;
	enum err err;

	pg_params_init(&params, arena);
	/* Which index serves depends on the filters given. */
	params.once = true;
	pg_param_int8(&params, (int64_t)account_id);
	pg_param_uuid(&params, &filter->after);
	pg_param_text(&params, filter->stream);
	pg_param_text(&params, filter->origin);
	pg_param_text(&params, filter->reason);
	pg_param_time(&params, filter->created_from);
	pg_param_time(&params, filter->created_before);
	pg_param_int8(&params, filter->limit);
	err = pg_err(pg_exec_account(pg, account_id, SQL_SUPPRESSION_LIST, &params, &result));
	if (err == OK)
		rows_read(result, arena, ret_rows);
	return err;
}

enum err suppression_put(struct pg *pg, uint64_t account_id, const struct suppression_entry *entry,
			 struct arena *arena, struct suppression_row *ret_row, bool *ret_created)
{
	struct pg_params params;

	pg_params_init(&params, arena);
	pg_param_int8(&params, (int64_t)account_id);
	pg_param_uuid(&params, &entry->id);
	pg_param_text(&params, entry->address);
	pg_param_text(&params, entry->subject.address_key);
	pg_param_text(&params, entry->subject.ref);
	pg_param_text(&params, entry->stream);
	pg_param_text(&params, entry->reason);
	pg_param_text(&params, SLICE("manual"));
	pg_param_text(&params, entry->evidence);
	pg_param_time(&params, entry->expires_at);
	for (unsigned attempt = 0; attempt < PUT_ATTEMPTS; attempt++) {
		PG_RESULT result = NULL;
		enum pg_outcome outcome =
			pg_exec_account(pg, account_id, SQL_SUPPRESSION_PUT, &params, &result);

		if (outcome == PG_SOME) {
			*ret_row = row_read(result, 0, arena);
			*ret_created = pg_bool(result, 0, "created");
			return OK;
		}
		if (outcome == PG_RETRY || (outcome == PG_HARD && !pg_error_is(pg, "23505")))
			return pg_err(outcome);
	}
	return ERR_RETRY;
}

enum err suppression_remove(struct pg *pg, uint64_t account_id,
			    const struct suppression_subject *subject, struct slice stream,
			    const struct suppression_removal *removal, struct arena *arena)
{
	PG_RESULT result = NULL;
	struct pg_params params;
	enum err err;

	pg_params_init(&params, arena);
	pg_param_int8(&params, (int64_t)account_id);
	pg_param_text(&params, subject->address_key);
	pg_param_text(&params, subject->ref);
	pg_param_text(&params, stream);
	pg_param_text(&params, removal->by);
	pg_param_text(&params, removal->consent);
	err = pg_err(pg_exec_account(pg, account_id, SQL_SUPPRESSION_REMOVE, &params, &result));
	if (err != OK)
		return err;
	if (pg_int(result, 0, "found") == 0)
		return ERR_MISSING;
	if (slice_empty(removal->consent) && pg_int(result, 0, "locked") > 0)
		return ERR_REFUSE;
	return OK;
}

/* The questions of one kind, side by side with their numbers. */
struct asked {
	struct slice *values;
	int64_t *items;
	size_t count;
};

static struct asked asked_new(struct arena *arena, size_t cap)
{
	return (struct asked){ ARENA_ARRAY(arena, struct slice, cap),
			       ARENA_ARRAY(arena, int64_t, cap), 0 };
}

static void asked_add(struct asked *asked, struct slice value, size_t item)
{
	if (slice_empty(value))
		return;
	asked->values[asked->count] = value;
	asked->items[asked->count] = (int64_t)item;
	asked->count++;
}

static void hits_read(const PGresult *result, struct arena *arena,
		      struct suppression_hits *ret_hits)
{
	size_t count = (size_t)pg_rows(result);

	ret_hits->hits = ARENA_ARRAY(arena, struct suppression_hit, count);
	ret_hits->count = count;
	for (size_t n = 0; n < count; n++) {
		int i = (int)n;

		ret_hits->hits[n] = (struct suppression_hit){
			.item = (size_t)pg_int(result, i, "item"),
			.stream = arena_copy(arena, pg_text(result, i, "stream")),
			.reason = arena_copy(arena, pg_text(result, i, "reason")),
			.origin = arena_copy(arena, pg_text(result, i, "origin")),
			.policy = arena_copy(arena, pg_text(result, i, "policy")),
			.diagnostic = arena_copy(arena, pg_text(result, i, "diagnostic")),
			.report_id = arena_copy(arena, pg_text(result, i, "report_id")),
			.created_at = pg_time(result, i, "created_at"),
			.expires_at = pg_time(result, i, "expires_at"),
		};
	}
}

enum err suppression_check(struct pg *pg, uint64_t account_id,
			   const struct suppression_question *questions, size_t count,
			   struct arena *arena, struct suppression_hits *ret_hits)
{
	struct asked addresses = asked_new(arena, count);
	struct asked digests = asked_new(arena, count);
	struct asked refs = asked_new(arena, count);
	PG_RESULT result = NULL;
	struct pg_params params;
	enum err err;

	for (size_t i = 0; i < count; i++) {
		asked_add(&addresses, questions[i].address_key, i);
		asked_add(&digests, questions[i].digest, i);
		asked_add(&refs, questions[i].ref, i);
	}
	pg_params_init(&params, arena);
	/* One address and ten thousand want different joins. */
	params.once = true;
	pg_param_int8(&params, (int64_t)account_id);
	pg_param_text_array(&params, addresses.values, addresses.count);
	pg_param_bytea_array(&params, digests.values, digests.count);
	pg_param_text_array(&params, refs.values, refs.count);
	pg_param_int8_array(&params, addresses.items, addresses.count);
	pg_param_int8_array(&params, digests.items, digests.count);
	pg_param_int8_array(&params, refs.items, refs.count);
	err = pg_err(pg_exec_account(pg, account_id, SQL_SUPPRESSION_CHECK, &params, &result));
	if (err == OK)
		hits_read(result, arena, ret_hits);
	return err;
}
