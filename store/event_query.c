/* SPDX-License-Identifier: Apache-2.0 */
#include "store/event_query.h"

#include "store/statements.h"

static struct event_row row_read(const PGresult *result, int i, struct arena *arena)
{
	return (struct event_row){
		.id = pg_uuid(result, i, "event_id"),
		.received_at = pg_time(result, i, "received_at"),
		.report_id = pg_uuid(result, i, "report_id"),
		.kind = arena_copy(arena, pg_text(result, i, "kind")),
		.trust = arena_copy(arena, pg_text(result, i, "trust")),
		.late = pg_bool(result, i, "late"),
		.attributed = pg_bool(result, i, "attributed"),
		.address = arena_copy(arena, pg_text(result, i, "address")),
		.original_address = arena_copy(arena, pg_text(result, i, "original_address")),
		.ref = arena_copy(arena, pg_text(result, i, "ref")),
		.campaign = pg_int(result, i, "campaign"),
		.recipient_domain = arena_copy(arena, pg_text(result, i, "recipient_domain")),
		.provider = arena_copy(arena, pg_text(result, i, "provider")),
		.action = arena_copy(arena, pg_text(result, i, "action")),
		.status = arena_copy(arena, pg_text(result, i, "status")),
		.reply_code = arena_copy(arena, pg_text(result, i, "reply_code")),
		.reason = arena_copy(arena, pg_text(result, i, "reason")),
		.severity = arena_copy(arena, pg_text(result, i, "severity")),
		.class_ = arena_copy(arena, pg_text(result, i, "class")),
		.remote_mta = arena_copy(arena, pg_text(result, i, "remote_mta")),
		.diagnostic = arena_copy(arena, pg_text(result, i, "diagnostic")),
		.rule = arena_copy(arena, pg_text(result, i, "rule")),
		.matched = arena_copy(arena, pg_text(result, i, "matched")),
		.feedback_type = arena_copy(arena, pg_text(result, i, "feedback_type")),
		.effect = arena_copy(arena, pg_text(result, i, "effect")),
		.policy = arena_copy(arena, pg_text(result, i, "policy")),
	};
}

enum err event_list(struct pg *pg, uint64_t account_id, const struct event_filter *filter,
		    struct arena *arena, struct event_rows *ret_rows)
{
	PG_RESULT result = NULL;
	struct pg_params params;
	enum err err;

	pg_params_init(&params, arena);
	/* Which index serves depends on the filters given. */
	params.once = true;
	pg_param_int8(&params, (int64_t)account_id);
	pg_param_time(&params, filter->before_time);
	pg_param_uuid(&params, &filter->before_id);
	pg_param_text(&params, filter->address_key);
	pg_param_text(&params, filter->ref);
	pg_param_text(&params, filter->kind);
	pg_param_text(&params, filter->reason);
	pg_param_text(&params, filter->class_);
	pg_param_int8(&params, (int64_t)filter->campaign);
	pg_param_time(&params, filter->received_from);
	pg_param_time(&params, filter->received_before);
	pg_param_int8(&params, filter->limit);
	err = pg_err(pg_exec_account(pg, account_id, SQL_EVENT_LIST, &params, &result));
	if (err != OK)
		return err;
	ret_rows->count = (size_t)pg_rows(result);
	ret_rows->rows = ARENA_ARRAY(arena, struct event_row, ret_rows->count);
	for (size_t i = 0; i < ret_rows->count; i++)
		ret_rows->rows[i] = row_read(result, (int)i, arena);
	return OK;
}

enum err event_get(struct pg *pg, uint64_t account_id, const struct uuid *id, struct arena *arena,
		   struct event_row *ret_row)
{
	PG_RESULT result = NULL;
	struct pg_params params;
	enum pg_outcome outcome;

	pg_params_init(&params, arena);
	pg_param_int8(&params, (int64_t)account_id);
	pg_param_uuid(&params, id);
	pg_param_time(&params, uuid_unix_ms(id));
	outcome = pg_exec_account(pg, account_id, SQL_EVENT_GET, &params, &result);
	if (outcome == PG_NONE)
		return ERR_MISSING;
	if (outcome == PG_SOME)
		*ret_row = row_read(result, 0, arena);
	return pg_err(outcome);
}
