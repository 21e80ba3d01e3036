/* SPDX-License-Identifier: Apache-2.0 */
#include "store/retention.h"

#include <stdlib.h>

#include "store/statements.h"

static const char MAKE_PARTITIONS[] = "SELECT ensure_partitions($1) AS made";
static const char DROP_PARTITION[] = "SELECT drop_old_partition($1, $2) AS name";
static const char ACCOUNTS[] = "SELECT account_id FROM account ORDER BY account_id";
static const char ACCOUNTS_EXPIRING[] = "SELECT DISTINCT account_id FROM suppression"
					" WHERE removed_at IS NULL AND expires_at <= $1"
					" ORDER BY account_id";

/* $1 account, $2 time, $3 rows at most. SKIP LOCKED: who waits for a row here could hold another
 * that its owner waits for. ARRAY: with IN the limit may be applied more than once. */
#define DELETE_SOME(table, key, time)                                                      \
	"DELETE FROM " table " WHERE account_id = $1 AND " key " = ANY (ARRAY(SELECT " key \
	" FROM " table " WHERE account_id = $1 AND " time " < $2 LIMIT $3"                 \
	" FOR UPDATE SKIP LOCKED))"

static const struct {
	const char *table;
	const char *sql;
} ROWS[RETENTION_ROWS_COUNT] = {
	[RETENTION_INGEST_KEYS] = { "ingest_key", DELETE_SOME("ingest_key", "key", "received_at") },
	[RETENTION_EVENT_KEYS] = { "event_key", DELETE_SOME("event_key", "key", "received_at") },
	[RETENTION_TOMBSTONES] = { "suppression",
				   DELETE_SOME("suppression", "suppression_id", "removed_at") },
	/* Its key begins with account and hour: no other index is needed. */
	[RETENTION_ROLLUPS] = { "rollup_hour",
				"DELETE FROM rollup_hour WHERE account_id = $1 AND hour = (SELECT"
				" min(hour) FROM rollup_hour WHERE account_id = $1 AND hour < $2)"
				" AND $3::bigint > 0" },
};

enum err retention_make_partitions(struct pg *pg, int64_t now, struct arena *arena,
				   int64_t *ret_made)
{
	PG_RESULT result = NULL;
	struct pg_params params;

	pg_params_init(&params, arena);
	pg_param_time(&params, now);
	enum pg_outcome outcome = pg_exec(pg, MAKE_PARTITIONS, &params, &result);

	if (outcome == PG_SOME)
		*ret_made = pg_int(result, 0, "made");
	return pg_err(outcome);
}

enum err retention_drop_partition(struct pg *pg, const char *parent, int64_t before,
				  struct arena *arena, struct slice *ret_name)
{
	PG_RESULT result = NULL;
	struct pg_params params;

	pg_params_init(&params, arena);
	pg_param_text(&params, slice_from_cstr(parent));
	pg_param_time(&params, before);
	enum pg_outcome outcome = pg_exec(pg, DROP_PARTITION, &params, &result);

	if (outcome == PG_SOME)
		*ret_name = arena_copy(arena, pg_text(result, 0, "name"));
	return pg_err(outcome);
}

static enum err read_accounts(struct pg *pg, const char *sql, const struct pg_params *params,
			      uint64_t **ret_accounts, size_t *ret_count)
{
	PG_RESULT result = NULL;
	enum pg_outcome outcome = pg_exec(pg, sql, params, &result);

	if (pg_err(outcome) != OK)
		return pg_err(outcome);
	*ret_count = (size_t)pg_rows(result);
	*ret_accounts = ARENA_ARRAY(params->arena, uint64_t, *ret_count);
	for (int row = 0; row < pg_rows(result); row++)
		(*ret_accounts)[row] = (uint64_t)pg_int(result, row, "account_id");
	return OK;
}

enum err retention_accounts(struct pg *pg, struct arena *arena, uint64_t **ret_accounts,
			    size_t *ret_count)
{
	struct pg_params params;

	pg_params_init(&params, arena);
	return read_accounts(pg, ACCOUNTS, &params, ret_accounts, ret_count);
}

enum err retention_accounts_expiring(struct pg *pg, int64_t now, struct arena *arena,
				     uint64_t **ret_accounts, size_t *ret_count)
{
	struct pg_params params;

	pg_params_init(&params, arena);
	pg_param_time(&params, now);
	return read_accounts(pg, ACCOUNTS_EXPIRING, &params, ret_accounts, ret_count);
}

const char *retention_rows_word(enum retention_rows rows)
{
	return ROWS[rows].table;
}

static enum err change_some(struct pg *pg, const char *sql, uint64_t account_id, int64_t when,
			    int64_t limit, int64_t *ret_changed)
{
	struct arena *arena = arena_new(0);
	PG_RESULT result = NULL;
	struct pg_params params;

	pg_params_init(&params, arena);
	pg_param_int8(&params, (int64_t)account_id);
	pg_param_time(&params, when);
	pg_param_int8(&params, limit);
	enum pg_outcome outcome = pg_exec(pg, sql, &params, &result);

	if (pg_err(outcome) == OK)
		*ret_changed = pg_affected(result);
	arena_free(arena);
	return pg_err(outcome);
}

enum err retention_delete(struct pg *pg, enum retention_rows rows, uint64_t account_id,
			  int64_t before, int64_t limit, int64_t *ret_deleted)
{
	return change_some(pg, ROWS[rows].sql, account_id, before, limit, ret_deleted);
}

enum err retention_expire(struct pg *pg, uint64_t account_id, int64_t now, int64_t limit,
			  int64_t *ret_expired)
{
	return change_some(pg, SQL_SUPPRESSION_EXPIRE, account_id, now, limit, ret_expired);
}
