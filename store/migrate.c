/* SPDX-License-Identifier: Apache-2.0 */
#include "store/migrate.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/timestamp.h"
#include "store/migrations.h"

/* An arbitrary number that all bounced programs agree on. */
#define MIGRATION_LOCK "7021503298845"

#define SQL_LOCK   "SELECT pg_advisory_lock(" MIGRATION_LOCK ")"
#define SQL_UNLOCK "SELECT pg_advisory_unlock(" MIGRATION_LOCK ")"

static const char SQL_CREATE_TABLE[] = "CREATE TABLE IF NOT EXISTS schema_migration ("
				       " number integer PRIMARY KEY,"
				       " name text NOT NULL,"
				       " sha256 bytea NOT NULL,"
				       " applied_at timestamptz NOT NULL DEFAULT now())";
static const char SQL_APPLIED[] = "SELECT number, sha256 FROM schema_migration ORDER BY number";
static const char SQL_RECORD[] =
	"INSERT INTO schema_migration (number, name, sha256) VALUES ($1, $2, $3)";
static const char SQL_ENSURE_PARTITIONS[] = "SELECT ensure_partitions($1)";
static const char SQL_SETTINGS[] =
	"SELECT name FROM pg_settings WHERE setting = 'off'"
	" AND name IN ('fsync', 'synchronous_commit', 'full_page_writes') ORDER BY name";

struct migration {
	int64_t number; /* 1, 2, 3, … without gaps; the linter sees to it */
	const char *name;
	struct slice sql;
	uint8_t sha256[SHA256_LEN];
};

static size_t migration_count(void)
{
	return sizeof(EMBEDDED) / sizeof(EMBEDDED[0]) - 1;
}

static struct migration migration_at(size_t index)
{
	const struct embedded_file *file = &EMBEDDED[index];
	struct migration migration = {
		.number = strtol(file->name, NULL, 10),
		.name = file->name,
		.sql = slice_from(file->data, file->size),
	};

	sha256(migration.sql, migration.sha256);
	return migration;
}

/* Of a statement that failed. */
static enum err failed(const struct pg *pg, enum pg_outcome outcome, struct arena *arena,
		       struct slice *ret_error)
{
	*ret_error = arena_copy(arena, slice_from_cstr(pg_error(pg)));
	return pg_err(outcome);
}

/* How many migrations the database has; refuses those that are not ours. */
static enum err count_applied(struct pg *pg, struct arena *arena, size_t *ret_count,
			      struct slice *ret_error)
{
	PG_RESULT result = NULL;
	enum pg_outcome outcome = pg_exec(pg, SQL_APPLIED, NULL, &result);

	if (outcome == PG_HARD && pg_error_is(pg, "42P01")) {
		*ret_count = 0;
		return OK;
	}
	if (outcome == PG_HARD || outcome == PG_RETRY)
		return failed(pg, outcome, arena, ret_error);

	for (int row = 0; row < pg_rows(result); row++) {
		if ((size_t)row >= migration_count()) {
			*ret_error = arena_printf(arena,
						  "the database has migration %lld and is newer "
						  "than this program",
						  (long long)pg_int(result, row, "number"));
			return ERR_REFUSE;
		}
		struct migration migration = migration_at((size_t)row);
		struct slice digest = pg_bytes(result, row, "sha256");
		if (pg_int(result, row, "number") != migration.number ||
		    !slice_equal(digest, slice_from((char *)migration.sha256, SHA256_LEN))) {
			*ret_error = arena_printf(arena, "the database has another version of %s",
						  migration.name);
			return ERR_REFUSE;
		}
	}
	*ret_count = (size_t)pg_rows(result);
	return OK;
}

static enum pg_outcome migration_apply(struct pg *pg, const struct migration *migration,
				       struct arena *arena)
{
	struct pg_params params;
	enum pg_outcome outcome = pg_exec_script(pg, "BEGIN");

	if (outcome == PG_NONE)
		outcome = pg_exec_script(pg, arena_cstr(arena, migration->sql));
	/* A migration may have taken the owner's role for itself. */
	if (outcome == PG_NONE)
		outcome = pg_exec_script(pg, "RESET ROLE");
	if (outcome == PG_NONE) {
		pg_params_init(&params, arena);
		pg_param_int8(&params, migration->number);
		pg_param_text(&params, slice_from_cstr(migration->name));
		pg_param_bytea(&params, slice_from((const char *)migration->sha256, SHA256_LEN));
		outcome = pg_exec(pg, SQL_RECORD, &params, NULL);
	}
	return outcome == PG_NONE ? pg_exec_script(pg, "COMMIT") : outcome;
}

static enum err migrate_locked(struct pg *pg, struct arena *arena, unsigned *ret_applied,
			       struct slice *ret_error)
{
	size_t applied;
	enum pg_outcome outcome = pg_exec(pg, SQL_CREATE_TABLE, NULL, NULL);

	if (outcome != PG_NONE)
		return failed(pg, outcome, arena, ret_error);
	enum err err = count_applied(pg, arena, &applied, ret_error);
	if (err != OK)
		return err;

	for (size_t i = applied; i < migration_count(); i++) {
		struct migration migration = migration_at(i);

		outcome = migration_apply(pg, &migration, arena);
		if (outcome != PG_NONE) {
			*ret_error = arena_printf(arena, "%s: %s", migration.name, pg_error(pg));
			if (pg_exec_script(pg, "ROLLBACK") != PG_NONE)
				return ERR_RETRY;
			return pg_err(outcome);
		}
		(*ret_applied)++;
	}
	return OK;
}

enum err store_migrate(struct pg *pg, int64_t now_ms, struct arena *arena, unsigned *ret_applied,
		       struct slice *ret_error)
{
	*ret_applied = 0;
	enum pg_outcome outcome = pg_exec_script(pg, SQL_LOCK);
	if (outcome != PG_NONE && outcome != PG_SOME)
		return failed(pg, outcome, arena, ret_error);

	enum err err = migrate_locked(pg, arena, ret_applied, ret_error);
	if (err == OK && (err = store_ensure_partitions(pg, now_ms)) != OK)
		*ret_error = arena_copy(arena, slice_from_cstr(pg_error(pg)));
	outcome = pg_exec_script(pg, SQL_UNLOCK);
	if (err == OK && (outcome == PG_HARD || outcome == PG_RETRY))
		return failed(pg, outcome, arena, ret_error);
	return err;
}

enum err store_ensure_partitions(struct pg *pg, int64_t now_ms)
{
	struct arena *arena = arena_new(256);
	struct pg_params params;

	pg_params_init(&params, arena);
	pg_param_time(&params, now_ms);
	enum pg_outcome outcome = pg_exec(pg, SQL_ENSURE_PARTITIONS, &params, NULL);
	arena_free(arena);
	return pg_err(outcome);
}

static enum err check_schema(struct pg *pg, struct arena *arena, struct slice *ret_error)
{
	size_t applied;
	enum err err = count_applied(pg, arena, &applied, ret_error);

	if (err != OK || applied == migration_count())
		return err;
	*ret_error =
		arena_printf(arena, "the database has %zu of %zu migrations: run `bounced migrate`",
			     applied, migration_count());
	return ERR_REFUSE;
}

static enum err check_settings(struct pg *pg, struct arena *arena, struct slice *ret_error)
{
	PG_RESULT result = NULL;
	enum pg_outcome outcome = pg_exec(pg, SQL_SETTINGS, NULL, &result);

	if (outcome == PG_NONE)
		return OK;
	if (outcome != PG_SOME)
		return failed(pg, outcome, arena, ret_error);
	struct slice name = pg_text(result, 0, "name");
	*ret_error = arena_printf(arena, "the database has %.*s = off: what it commits may be lost",
				  SLICE_ARG(name));
	return ERR_REFUSE;
}

enum err store_check(struct pg *pg, bool allow_unsafe, struct arena *arena, struct slice *ret_error)
{
	enum err err = check_schema(pg, arena, ret_error);

	return err == OK && !allow_unsafe ? check_settings(pg, arena, ret_error) : err;
}
