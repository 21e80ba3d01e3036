/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pending.h"

#include <assert.h>

#include "core/limits.h"
#include "store/batch.h"
#include "store/batch_rows.h"
#include "store/statements.h"

/* Of the roll-ups; ingest's begin at 0, and there are 64 at most. */
#define JOBS_SLOT 1000

static const char GIVE_UP[] = "DELETE FROM pending_authentication WHERE received_at <= $1";
/* Whoever deletes the row gives the report its effects. */
static const char TAKE[] = "DELETE FROM pending_authentication"
			   " WHERE account_id = $1 AND report_id = $2 RETURNING report_id";
static const char UPDATE_REPORT[] =
	"UPDATE report SET authentication = $4::text::jsonb, trust = $5"
	" WHERE account_id = $1 AND report_id = $2 AND received_at = $3";

enum err pending_claim(struct pg *pg, int64_t now, const struct pending_waits *waits, size_t limit,
		       struct arena *arena, struct pending_report **ret_reports, size_t *ret_count)
{
	PG_RESULT result = NULL;
	struct pg_params params;

	pg_params_init(&params, arena);
	pg_param_time(&params, now);
	pg_param_time(&params, now - LIMIT_PENDING_MS);
	pg_param_int8(&params, (int64_t)limit);
	pg_param_int8_array(&params, waits->ms, waits->count);
	enum pg_outcome outcome = pg_exec(pg, SQL_PENDING_CLAIM, &params, &result);

	if (pg_err(outcome) != OK)
		return pg_err(outcome);
	*ret_count = (size_t)pg_rows(result);
	*ret_reports = ARENA_ARRAY(arena, struct pending_report, *ret_count);
	for (int row = 0; row < pg_rows(result); row++)
		(*ret_reports)[row] = (struct pending_report){
			.account_id = (uint64_t)pg_int(result, row, "account_id"),
			.report_id = pg_uuid(result, row, "report_id"),
			.attempts = pg_int(result, row, "attempts"),
		};
	return OK;
}

enum err pending_give_up(struct pg *pg, int64_t now, int64_t *ret_count)
{
	struct arena *arena = arena_new(0);
	PG_RESULT result = NULL;
	struct pg_params params;

	pg_params_init(&params, arena);
	pg_param_time(&params, now - LIMIT_PENDING_MS);
	enum pg_outcome outcome = pg_exec(pg, GIVE_UP, &params, &result);

	if (pg_err(outcome) == OK)
		*ret_count = pg_affected(result);
	arena_free(arena);
	return pg_err(outcome);
}

/* PG_NONE: it was gone. */
static enum pg_outcome take(struct pg *pg, uint64_t account_id, const struct uuid *report_id,
			    struct arena *arena)
{
	struct pg_params params;

	pg_params_init(&params, arena);
	pg_param_int8(&params, (int64_t)account_id);
	pg_param_uuid(&params, report_id);
	return pg_exec(pg, TAKE, &params, NULL);
}

enum err pending_forget(struct pg *pg, const struct pending_report *pending)
{
	struct arena *arena = arena_new(0);
	enum pg_outcome outcome = take(pg, pending->account_id, &pending->report_id, arena);

	arena_free(arena);
	return pg_err(outcome);
}

/* -- filing anew -- */

/* The three parameters that name the report, or as many of its events. */
static void param_report(struct pg_params *params, const struct filing *filing, struct arena *arena)
{
	pg_params_init(params, arena);
	pg_param_int8(params, (int64_t)filing->account_id);
	pg_param_uuid(params, &filing->report_id);
	pg_param_time(params, uuid_unix_ms(&filing->report_id));
}

static enum pg_outcome update_report(struct pg *pg, const struct filing *filing,
				     struct arena *arena)
{
	struct slice row[REPORT_TEXT_COUNT];
	struct pg_params params;

	report_row(filing, arena, row);
	param_report(&params, filing, arena);
	pg_param_text(&params, row[REPORT_TEXT_AUTHENTICATION]);
	pg_param_text(&params, row[REPORT_TEXT_TRUST]);
	return pg_exec(pg, UPDATE_REPORT, &params, NULL);
}

/* Leaves the events that are stored, with their ids. */
static enum pg_outcome match_events(struct pg *pg, struct filing *filing, struct arena *arena)
{
	struct slice *keys = ARENA_ARRAY(arena, struct slice, filing->event_count);
	PG_RESULT result = NULL;
	struct pg_params params;

	for (size_t i = 0; i < filing->event_count; i++)
		keys[i] = slice_from((const char *)filing->events[i].key, SHA256_LEN);
	param_report(&params, filing, arena);
	pg_param_bytea_array(&params, keys, filing->event_count);
	enum pg_outcome outcome = pg_exec(pg, SQL_PENDING_MATCH, &params, &result);

	if (pg_err(outcome) != OK)
		return outcome;
	for (int row = 0; row < pg_rows(result); row++) {
		size_t position = (size_t)pg_int(result, row, "position") - 1;

		assert(position < filing->event_count && position >= (size_t)row);
		filing->events[row] = filing->events[position];
		filing->events[row].id = pg_uuid(result, row, "event_id");
	}
	filing->event_count = (size_t)pg_rows(result);
	return outcome;
}

/* Had it had its effect when it came, whoever took the subject off the list since would have undone
 * it. */
static enum pg_outcome spare_removed(struct pg *pg, struct filing *filing, struct arena *arena)
{
	struct slice *addresses = ARENA_ARRAY(arena, struct slice, filing->event_count);
	struct slice *refs = ARENA_ARRAY(arena, struct slice, filing->event_count);
	PG_RESULT result = NULL;
	struct pg_params params;

	for (size_t i = 0; i < filing->event_count; i++) {
		const struct filing_event *event = &filing->events[i];

		addresses[i] = event->suppress_address ? event->address : SLICE_NONE;
		refs[i] = event->ref;
	}
	pg_params_init(&params, arena);
	pg_param_int8(&params, (int64_t)filing->account_id);
	pg_param_time(&params, uuid_unix_ms(&filing->report_id));
	pg_param_text_array(&params, addresses, filing->event_count);
	pg_param_text_array(&params, refs, filing->event_count);
	enum pg_outcome outcome = pg_exec(pg, SQL_PENDING_REMOVED, &params, &result);

	if (pg_err(outcome) != OK)
		return outcome;
	for (int row = 0; row < pg_rows(result); row++) {
		size_t position = (size_t)pg_int(result, row, "position") - 1;

		assert(position < filing->event_count);
		filing->events[position].effect = EFFECT_NONE;
		filing->events[position].policy = SLICE("removed/since");
	}
	return outcome;
}

static enum pg_outcome take_back(struct pg *pg, const struct filing *filing, struct arena *arena)
{
	struct uuid *ids = ARENA_ARRAY(arena, struct uuid, filing->event_count);
	struct pg_params params;

	for (size_t i = 0; i < filing->event_count; i++)
		ids[i] = filing->events[i].id;
	pg_params_init(&params, arena);
	pg_param_int8(&params, (int64_t)filing->account_id);
	pg_param_time(&params, uuid_unix_ms(&filing->report_id));
	pg_param_uuid_array(&params, ids, filing->event_count);
	pg_param_int8(&params, JOBS_SLOT);
	return pg_exec(pg, SQL_PENDING_TAKE_BACK, &params, NULL);
}

/* The events' part of the commit path; the keys of the report and its events are there. */
static enum pg_outcome file_events(struct pg *pg, const struct filing *filing, struct arena *arena)
{
	static const struct {
		enum commit_statement statement;
		const char *sql;
	} steps[] = {
		{ COMMIT_EFFECT_KEY, SQL_COMMIT_EFFECT_KEY },
		{ COMMIT_EVENT, SQL_COMMIT_EVENT },
		{ COMMIT_ROLLUP, SQL_COMMIT_ROLLUP },
		{ COMMIT_SUPPRESSION, SQL_COMMIT_SUPPRESSION },
	};
	struct batch batch;
	enum pg_outcome outcome = PG_NONE;

	batch_build(arena, &filing, 1, JOBS_SLOT, &batch);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && pg_err(outcome) == OK; i++)
		if (batch.wanted[steps[i].statement])
			outcome =
				pg_exec(pg, steps[i].sql, &batch.params[steps[i].statement], NULL);
	return outcome;
}

/* In a transaction. */
static enum pg_outcome file_anew(struct pg *pg, struct filing *filing, bool *ret_taken,
				 struct arena *arena)
{
	enum pg_outcome outcome = take(pg, filing->account_id, &filing->report_id, arena);

	*ret_taken = outcome == PG_SOME;
	if (outcome != PG_SOME)
		return outcome;
	outcome = update_report(pg, filing, arena);
	if (pg_err(outcome) == OK)
		outcome = match_events(pg, filing, arena);
	if (pg_err(outcome) != OK || filing->event_count == 0)
		return outcome;
	outcome = spare_removed(pg, filing, arena);
	if (pg_err(outcome) == OK)
		outcome = take_back(pg, filing, arena);
	return pg_err(outcome) == OK ? file_events(pg, filing, arena) : outcome;
}

enum err pending_apply(struct pg *pg, struct filing *filing, bool *ret_applied)
{
	struct arena *arena = arena_new(0);
	bool taken = false;
	enum pg_outcome outcome = pg_begin(pg);

	if (outcome == PG_NONE)
		outcome = file_anew(pg, filing, &taken, arena);
	outcome = pg_end(pg, outcome);
	arena_free(arena);
	if (pg_err(outcome) == OK)
		*ret_applied = taken;
	return pg_err(outcome);
}
