/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database of its own for each test, in the cluster that BOUNCED_TEST_DSN names
 * (tests/db/cluster.sh start prints one; a superuser's, dbname=postgres at its end).
 */
#ifndef BOUNCED_TESTS_DB_DATABASE_H
#define BOUNCED_TESTS_DB_DATABASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/arena.h"
#include "core/timestamp.h"
#include "store/migrate.h"
#include "store/pg.h"

struct database {
	struct arena *arena;
	char name[64];
	char dsn[512]; /* as superuser */
	struct pg *pg; /* to look with */
};

static inline void database_run(struct pg *pg, const char *sql)
{
	enum pg_outcome outcome = pg_exec_script(pg, sql);

	if (outcome == PG_HARD || outcome == PG_RETRY)
		fail_msg("%s: %s", sql, pg_error(pg));
}

/* The connection string as another role. */
static inline const char *database_dsn_as(struct database *database, const char *role)
{
	return arena_printf(database->arena, "%s user=%s", database->dsn, role).ptr;
}

/* The single number that a query gives. */
static inline int64_t database_number(struct database *database, const char *query)
{
	struct pg_params params;
	PG_RESULT result = NULL;

	pg_params_init(&params, database->arena);
	params.once = true;
	const char *sql = arena_printf(database->arena, "SELECT (%s)::bigint AS number", query).ptr;
	if (pg_exec(database->pg, sql, &params, &result) != PG_SOME)
		fail_msg("%s: %s", query, pg_error(database->pg));
	return pg_int(result, 0, "number");
}

/* The single text that a query gives, in the arena. */
static inline const char *database_text(struct database *database, const char *query)
{
	struct pg_params params;
	PG_RESULT result = NULL;

	pg_params_init(&params, database->arena);
	params.once = true;
	const char *sql = arena_printf(database->arena, "SELECT (%s)::text AS text", query).ptr;
	if (pg_exec(database->pg, sql, &params, &result) != PG_SOME)
		fail_msg("%s: %s", query, pg_error(database->pg));
	return arena_cstr(database->arena, pg_text(result, 0, "text"));
}

static inline struct database *database_new_empty(void)
{
	static unsigned count;
	const char *server = getenv("BOUNCED_TEST_DSN");
	struct arena *arena = arena_new(0);
	struct database *database = ARENA_NEW(arena, struct database);

	if (!server)
		fail_msg("BOUNCED_TEST_DSN is not set: see tests/db/cluster.sh");
	database->arena = arena;
	snprintf(database->name, sizeof(database->name), "test_%d_%u", (int)getpid(), count++);
	snprintf(database->dsn, sizeof(database->dsn), "%s dbname=%s", server, database->name);

	struct pg *pg = pg_new(server, 0);
	database_run(pg, arena_printf(arena, "CREATE DATABASE %s", database->name).ptr);
	pg_free(pg);
	database->pg = pg_new(database->dsn, 0);
	return database;
}

/* With the schema, and account 1 "one" and 2 "two". */
static inline struct database *database_new(void)
{
	struct database *database = database_new_empty();
	struct slice error = SLICE_NONE;
	unsigned applied;

	if (store_migrate(database->pg, time_now_ms(), database->arena, &applied, &error) != OK)
		fail_msg("migrate: %.*s", SLICE_ARG(error));
	database_run(database->pg, "INSERT INTO account (name) VALUES ('one'), ('two')");
	return database;
}

static inline void database_free(struct database *database)
{
	struct pg *pg = pg_new(getenv("BOUNCED_TEST_DSN"), 0);

	pg_free(database->pg);
	database_run(
		pg,
		arena_printf(database->arena, "DROP DATABASE %s WITH (FORCE)", database->name).ptr);
	pg_free(pg);
	arena_free(database->arena);
}

/* cmocka fixtures: *state is the struct database. */
static inline int database_setup(void **state)
{
	*state = database_new();
	return 0;
}

static inline int database_teardown(void **state)
{
	database_free(*state);
	return 0;
}

#endif
