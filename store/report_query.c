/* SPDX-License-Identifier: Apache-2.0 */
#include "store/report_query.h"

#include "store/statements.h"

static const char RAW_GET[] = "SELECT raw FROM report_raw"
			      " WHERE account_id = $1 AND report_id = $2 AND received_at = $3";

/* Both statements take the same three parameters. */
static enum pg_outcome exec_by_id(struct pg *pg, uint64_t account_id, const char *sql,
				  const struct uuid *id, struct arena *arena, PGresult **ret_result)
{
	struct pg_params params;

	pg_params_init(&params, arena);
	pg_param_int8(&params, (int64_t)account_id);
	pg_param_uuid(&params, id);
	pg_param_time(&params, uuid_unix_ms(id));
	return pg_exec_account(pg, account_id, sql, &params, ret_result);
}

static const struct slice *texts_copy(const PGresult *result, const char *column,
				      struct arena *arena, size_t *ret_count)
{
	const struct slice *borrowed = pg_text_array(result, 0, column, arena, ret_count);
	struct slice *copies = ARENA_ARRAY(arena, struct slice, *ret_count);

	for (size_t i = 0; i < *ret_count; i++)
		copies[i] = arena_copy(arena, borrowed[i]);
	return copies;
}

enum err report_get(struct pg *pg, uint64_t account_id, const struct uuid *id, struct arena *arena,
		    struct report_row *ret_row)
{
	PG_RESULT result = NULL;
	enum pg_outcome outcome = exec_by_id(pg, account_id, SQL_REPORT_GET, id, arena, &result);

	if (outcome == PG_NONE)
		return ERR_MISSING;
	if (outcome != PG_SOME)
		return pg_err(outcome);
	*ret_row = (struct report_row){
		.id = pg_uuid(result, 0, "report_id"),
		.received_at = pg_time(result, 0, "received_at"),
		.trust = arena_copy(arena, pg_text(result, 0, "trust")),
		.source = arena_copy(arena, pg_text(result, 0, "source")),
		.peer = arena_copy(arena, pg_text(result, 0, "peer")),
		.helo = arena_copy(arena, pg_text(result, 0, "helo")),
		.tls = arena_copy(arena, pg_text(result, 0, "tls")),
		.mail_from = arena_copy(arena, pg_text(result, 0, "mail_from")),
		.size = pg_int(result, 0, "size"),
		.flags = arena_copy(arena, pg_text(result, 0, "flags")),
		.authentication = arena_copy(arena, pg_text(result, 0, "authentication")),
		.detail = arena_copy(arena, pg_text(result, 0, "detail")),
	};
	ret_row->recipients = texts_copy(result, "recipients", arena, &ret_row->recipient_count);
	ret_row->events = texts_copy(result, "events", arena, &ret_row->event_count);
	return OK;
}

enum err report_raw_get(struct pg *pg, uint64_t account_id, const struct uuid *id,
			struct arena *arena, struct buf *out)
{
	PG_RESULT result = NULL;
	enum pg_outcome outcome = exec_by_id(pg, account_id, RAW_GET, id, arena, &result);

	if (outcome == PG_NONE)
		return ERR_MISSING;
	if (outcome == PG_SOME)
		buf_append(out, pg_bytes(result, 0, "raw"));
	return pg_err(outcome);
}
