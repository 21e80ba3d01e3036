/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations, partitions, the checks before serving, and row-level security. */
#include "tests/db/database.h"

#include <pthread.h>
#include <string.h>

static int empty_setup(void **state)
{
	*state = database_new_empty();
	return 0;
}

static enum err migrate(struct database *database, struct pg *pg, unsigned *ret_applied,
			struct slice *ret_error)
{
	return store_migrate(pg, time_now_ms(), database->arena, ret_applied, ret_error);
}

static void applies_once(void **state)
{
	struct database *database = *state;
	struct slice error = SLICE_NONE;
	unsigned applied;

	assert_int_equal(migrate(database, database->pg, &applied, &error), OK);
	assert_true(applied >= 2);
	assert_int_equal(database_number(database, "SELECT count(*) FROM schema_migration"),
			 applied);
	assert_int_equal(migrate(database, database->pg, &applied, &error), OK);
	assert_int_equal(applied, 0);
}

struct migrator {
	struct database *database;
	struct arena *arena;
	unsigned applied;
	enum err err;
};

static void *migrator_main(void *context)
{
	struct migrator *migrator = context;
	struct pg *pg = pg_new(migrator->database->dsn, 0);
	struct slice error;

	migrator->err =
		store_migrate(pg, time_now_ms(), migrator->arena, &migrator->applied, &error);
	pg_free(pg);
	return NULL;
}

static void two_at_once_apply_each_once(void **state)
{
	struct database *database = *state;
	struct migrator migrators[2];
	pthread_t threads[2];

	for (size_t i = 0; i < 2; i++) {
		migrators[i] = (struct migrator){ .database = database, .arena = arena_new(0) };
		pthread_create(&threads[i], NULL, migrator_main, &migrators[i]);
	}
	for (size_t i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(migrators[i].err, OK);
		arena_free(migrators[i].arena);
	}
	assert_int_equal(migrators[0].applied + migrators[1].applied,
			 database_number(database, "SELECT count(*) FROM schema_migration"));
	assert_true(migrators[0].applied == 0 || migrators[1].applied == 0);
}

static void a_failing_migration_leaves_nothing(void **state)
{
	struct database *database = *state;
	struct slice error = SLICE_NONE;
	unsigned applied;

	database_run(database->pg, "CREATE TABLE suppression (in_the_way integer)");
	assert_int_equal(migrate(database, database->pg, &applied, &error), ERR_FATAL);
	assert_int_equal(applied, 0);
	assert_true(slice_find(error, SLICE("0001_schema.sql")) >= 0);
	assert_int_equal(database_number(database, "SELECT count(*) FROM schema_migration"), 0);
	assert_string_equal(database_text(database, "SELECT to_regclass('account') IS NULL"),
			    "true");
}

static void check_wants_exactly_our_schema(void **state)
{
	struct database *database = *state;
	struct slice error = SLICE_NONE;
	unsigned applied;

	assert_int_equal(store_check(database->pg, false, database->arena, &error), ERR_REFUSE);
	assert_true(slice_find(error, SLICE("bounced migrate")) >= 0);
	assert_int_equal(migrate(database, database->pg, &applied, &error), OK);
	assert_int_equal(store_check(database->pg, false, database->arena, &error), OK);

	database_run(database->pg, "INSERT INTO schema_migration VALUES (9999, 'future', '')");
	assert_int_equal(store_check(database->pg, false, database->arena, &error), ERR_REFUSE);
	assert_true(slice_find(error, SLICE("newer")) >= 0);
	assert_int_equal(migrate(database, database->pg, &applied, &error), ERR_REFUSE);

	database_run(database->pg, "DELETE FROM schema_migration WHERE number = 9999;"
				   "UPDATE schema_migration SET sha256 = '' WHERE number = 1");
	assert_int_equal(store_check(database->pg, false, database->arena, &error), ERR_REFUSE);
	assert_true(slice_find(error, SLICE("another version of 0001_schema.sql")) >= 0);
}

static void check_refuses_a_forgetful_database(void **state)
{
	struct database *database = *state;
	struct slice error = SLICE_NONE;

	database_run(database->pg,
		     arena_printf(database->arena, "ALTER DATABASE %s SET synchronous_commit = off",
				  database->name)
			     .ptr);
	struct pg *pg = pg_new(database->dsn, 0);
	assert_int_equal(store_check(pg, false, database->arena, &error), ERR_REFUSE);
	assert_true(slice_find(error, SLICE("synchronous_commit")) >= 0);
	assert_int_equal(store_check(pg, true, database->arena, &error), OK);
	pg_free(pg);
}

static void check_without_database_is_transient(void **state)
{
	struct database *database = *state;
	struct pg *pg = pg_new("host=/nonexistent dbname=nowhere", 0);
	struct slice error = SLICE_NONE;

	assert_int_equal(store_check(pg, false, database->arena, &error), ERR_RETRY);
	assert_false(slice_empty(error));
	pg_free(pg);
}

#define PARTITIONS                                            \
	"SELECT count(*) FROM pg_inherits WHERE inhparent IN" \
	" ('report'::regclass, 'report_raw'::regclass, 'event'::regclass)"

static void partitions_reach_a_week_ahead(void **state)
{
	struct database *database = *state;
	int64_t new_year_eve;

	/* 27 Dec .. 6 Jan at least: nine days, two months of two tables. */
	assert_true(time_parse_rfc3339(SLICE("2031-12-28T23:59:59.999Z"), &new_year_eve));
	int64_t before = database_number(database, PARTITIONS);
	assert_int_equal(store_ensure_partitions(database->pg, new_year_eve), OK);
	assert_int_equal(database_number(database, PARTITIONS), before + 9 + 4);
	assert_int_equal(store_ensure_partitions(database->pg, new_year_eve), OK);
	assert_int_equal(database_number(database, PARTITIONS), before + 9 + 4);

	database_run(database->pg, "INSERT INTO report_raw VALUES"
				   " (1, gen_random_uuid(), '2031-12-27T00:00:00Z', ''),"
				   " (1, gen_random_uuid(), '2032-01-04T23:59:59.999Z', '')");
	assert_string_equal(database_text(database,
					  "SELECT string_agg(tableoid::regclass::text, ' '"
					  " ORDER BY received_at) FROM report_raw"),
			    "report_raw_2031_12_27 report_raw_2032_01_04");
}

static void ingest_may_make_partitions_but_not_drop_them(void **state)
{
	struct database *database = *state;
	struct pg *pg = pg_new(database_dsn_as(database, "bounced_ingest"), 0);
	int64_t later;

	assert_true(time_parse_rfc3339(SLICE("2033-06-15"), &later));
	assert_int_equal(store_ensure_partitions(pg, later), OK);
	assert_int_equal(pg_exec_script(pg, "DROP TABLE report_2033_06"), PG_HARD);
	assert_true(pg_error_is(pg, "42501"));
	pg_free(pg);
}

static const char SQL_COUNT_SUPPRESSIONS[] = "SELECT count(*) AS number FROM suppression";
static const char SQL_TAKE_NUMBER[] =
	"UPDATE account SET change_number = change_number + 1 RETURNING account_id";
static const char SQL_FORGE[] =
	"INSERT INTO suppression (account_id, suppression_id, stream, address, address_key, ref,"
	" reason, origin, policy, evidence, can_reactivate, change_number, created_at, updated_at)"
	" VALUES (2, gen_random_uuid(), 'all', '', 'x@example.test', '', '', 'manual', '', '{}',"
	" true, 77, now(), now())";

static void the_api_sees_only_its_account(void **state)
{
	struct database *database = *state;
	struct pg *pg = pg_new(database_dsn_as(database, "bounced_api"), 0);
	PG_RESULT result = NULL;

	database_run(database->pg,
		     "INSERT INTO suppression (account_id, suppression_id, stream, address,"
		     " address_key, ref, reason, origin, policy, evidence, can_reactivate,"
		     " change_number, created_at, updated_at)"
		     " SELECT n, gen_random_uuid(), 'all', '', 'a@example.test', '', '', 'manual',"
		     " '', '{}', true, 1, now(), now() FROM generate_series(1, 2) n");

	assert_int_equal(pg_exec(pg, SQL_COUNT_SUPPRESSIONS, NULL, &result), PG_SOME);
	assert_int_equal(pg_int(result, 0, "number"), 0);
	pg_result_cleanup(&result);

	assert_int_equal(pg_exec_account(pg, 1, SQL_COUNT_SUPPRESSIONS, NULL, &result), PG_SOME);
	assert_int_equal(pg_int(result, 0, "number"), 1);
	pg_result_cleanup(&result);

	assert_int_equal(pg_exec_account(pg, 2, SQL_TAKE_NUMBER, NULL, &result), PG_SOME);
	assert_int_equal(pg_rows(result), 1);
	assert_int_equal(pg_int(result, 0, "account_id"), 2);
	pg_result_cleanup(&result);

	assert_int_equal(pg_exec_account(pg, 1, SQL_FORGE, NULL, NULL), PG_HARD);
	assert_true(pg_error_is(pg, "42501"));
	/* The setting ended with its transaction. */
	assert_int_equal(pg_exec(pg, SQL_COUNT_SUPPRESSIONS, NULL, &result), PG_SOME);
	assert_int_equal(pg_int(result, 0, "number"), 0);
	pg_free(pg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(applies_once, empty_setup, database_teardown),
		cmocka_unit_test_setup_teardown(two_at_once_apply_each_once, empty_setup,
						database_teardown),
		cmocka_unit_test_setup_teardown(a_failing_migration_leaves_nothing, empty_setup,
						database_teardown),
		cmocka_unit_test_setup_teardown(check_wants_exactly_our_schema, empty_setup,
						database_teardown),
		cmocka_unit_test_setup_teardown(check_refuses_a_forgetful_database, database_setup,
						database_teardown),
		cmocka_unit_test_setup_teardown(check_without_database_is_transient, database_setup,
						database_teardown),
		cmocka_unit_test_setup_teardown(partitions_reach_a_week_ahead, database_setup,
						database_teardown),
		cmocka_unit_test_setup_teardown(ingest_may_make_partitions_but_not_drop_them,
						database_setup, database_teardown),
		cmocka_unit_test_setup_teardown(the_api_sees_only_its_account, database_setup,
						database_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
