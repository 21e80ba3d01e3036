/* SPDX-License-Identifier: Apache-2.0 */
/* The blocking connection: binary values there and back, outcomes, loss. */
#include "tests/db/database.h"

#include <string.h>

static const char SQL_ECHO[] =
	"SELECT $1::bigint AS i8, $1::bigint::integer AS i4, $1::bigint::smallint AS i2,"
	" $2::boolean AS b, $3::text AS t, $4::bytea AS y, $5::uuid AS u, $6::timestamptz AS at,"
	" $7::text AS none, jsonb_build_object('a', 1) AS j, NULL::timestamptz AS never,"
	" ARRAY['x', '', 'z\"', NULL] AS list, ARRAY[]::text[] AS nothing";

static void values_come_back_as_they_went(void **state)
{
	struct database *database = *state;
	struct uuid uuid = uuid_v7(INT64_C(1700000000000));
	int64_t before_2000 = -1;
	struct pg_params params;
	PG_RESULT result = NULL;
	size_t count;

	pg_params_init(&params, database->arena);
	pg_param_int8(&params, -12345);
	pg_param_bool(&params, true);
	pg_param_text(&params, slice_from("a\0\xff", 3));
	pg_param_bytea(&params, slice_from("a\0\xff", 3));
	pg_param_uuid(&params, &uuid);
	pg_param_time(&params, before_2000);
	pg_param_text_optional(&params, SLICE_NONE);
	assert_int_equal(pg_exec(database->pg, SQL_ECHO, &params, &result), PG_SOME);
	assert_int_equal(pg_int(result, 0, "i8"), -12345);
	assert_int_equal(pg_int(result, 0, "i4"), -12345);
	assert_int_equal(pg_int(result, 0, "i2"), -12345);
	assert_true(pg_bool(result, 0, "b"));
	assert_true(slice_equal(pg_text(result, 0, "t"), SLICE("a\xef\xbf\xbd\xef\xbf\xbd")));
	assert_true(slice_equal(pg_bytes(result, 0, "y"), slice_from("a\0\xff", 3)));
	struct uuid back = pg_uuid(result, 0, "u");
	assert_memory_equal(&back, &uuid, sizeof(uuid));
	assert_int_equal(pg_time(result, 0, "at"), before_2000);
	assert_true(pg_is_null(result, 0, "none"));
	assert_true(slice_empty(pg_text(result, 0, "none")));
	assert_true(slice_equal(pg_text(result, 0, "j"), SLICE("{\"a\": 1}")));
	assert_true(pg_time(result, 0, "never") == TIME_NONE);
	const struct slice *list = pg_text_array(result, 0, "list", database->arena, &count);
	assert_int_equal(count, 4);
	assert_true(slice_equal(list[0], SLICE("x")) && slice_empty(list[1]));
	assert_true(slice_equal(list[2], SLICE("z\"")) && slice_empty(list[3]));
	pg_text_array(result, 0, "nothing", database->arena, &count);
	assert_int_equal(count, 0);
}

static const char SQL_ARRAYS[] =
	"SELECT string_agg(concat_ws(',', i, b, t, encode(y, 'hex'), u, extract(epoch FROM at)), ' "
	"')"
	" AS text FROM unnest($1::bigint[], $2::boolean[], $3::text[], $4::bytea[], $5::uuid[],"
	" $6::timestamptz[]) AS x (i, b, t, y, u, at)";

static void arrays_are_columns(void **state)
{
	struct database *database = *state;
	const struct slice texts[] = { SLICE_LITERAL("a,\"{}\\"), SLICE_LITERAL(""),
				       SLICE_LITERAL("\xc0") };
	struct uuid uuids[3] = { 0 };
	struct pg_params params;
	PG_RESULT result = NULL;

	uuids[1].bytes[15] = 1;
	pg_params_init(&params, database->arena);
	pg_param_int8_array(&params, (int64_t[]){ 1, INT64_MIN, -1 }, 3);
	pg_param_bool_array(&params, (bool[]){ true, false, true }, 3);
	pg_param_text_array(&params, texts, 3);
	pg_param_bytea_array(&params, texts, 3);
	pg_param_uuid_array(&params, uuids, 3);
	pg_param_time_array(&params, (int64_t[]){ 1500, TIME_NONE, INT64_MAX }, 3);
	assert_int_equal(pg_exec(database->pg, SQL_ARRAYS, &params, &result), PG_SOME);
	assert_string_equal(
		arena_cstr(database->arena, pg_text(result, 0, "text")),
		"1,t,a,\"{}\\,612c227b7d5c,00000000-0000-0000-0000-000000000000,1.500000 "
		"-9223372036854775808,f,,,00000000-0000-0000-0000-000000000001 "
		"-1,t,\xef\xbf\xbd,c0,00000000-0000-0000-0000-000000000000");
}

static const char SQL_EMPTY[] = "SELECT count(*) AS number FROM unnest($1::text[])";

static void an_array_may_be_empty(void **state)
{
	struct database *database = *state;
	struct pg_params params;
	PG_RESULT result = NULL;

	pg_params_init(&params, database->arena);
	pg_param_text_array(&params, NULL, 0);
	assert_int_equal(pg_exec(database->pg, SQL_EMPTY, &params, &result), PG_SOME);
	assert_int_equal(pg_int(result, 0, "number"), 0);
}

static const char SQL_RENAME[] = "UPDATE account SET name = $1 WHERE account_id = 1";
static const char SQL_NONE[] = "SELECT 1 AS one WHERE false";

static void outcomes_tell_what_to_do(void **state)
{
	struct database *database = *state;
	struct pg_params params;
	PG_RESULT result = NULL;

	assert_int_equal(pg_exec(database->pg, SQL_NONE, NULL, &result), PG_NONE);
	assert_int_equal(pg_rows(result), 0);
	pg_result_cleanup(&result);

	pg_params_init(&params, database->arena);
	pg_param_text(&params, SLICE("uno"));
	assert_int_equal(pg_exec(database->pg, SQL_RENAME, &params, &result), PG_NONE);
	assert_int_equal(pg_affected(result), 1);
	pg_result_cleanup(&result);

	pg_params_init(&params, database->arena);
	pg_param_text(&params, SLICE("two"));
	assert_int_equal(pg_exec(database->pg, SQL_RENAME, &params, &result), PG_HARD);
	assert_null(result);
	assert_string_equal(pg_sqlstate(database->pg), "23505");
	assert_true(pg_error_is(database->pg, "23"));
	assert_false(pg_error_is(database->pg, "22"));
	assert_non_null(strstr(pg_error(database->pg), "account_name_key"));
}

static const char SQL_DEFERRED[] = "INSERT INTO late VALUES (1)";

static void done_means_committed(void **state)
{
	struct database *database = *state;
	struct pg_params params;

	/* The statement succeeds; its transaction does not. */
	database_run(database->pg, "CREATE TABLE late (n integer UNIQUE DEFERRABLE INITIALLY"
				   " DEFERRED); INSERT INTO late VALUES (1)");
	assert_int_equal(pg_exec_account(database->pg, 1, SQL_DEFERRED, NULL, NULL), PG_HARD);
	assert_string_equal(pg_sqlstate(database->pg), "23505");

	pg_params_init(&params, database->arena);
	pg_param_text(&params, SLICE("two"));
	assert_int_equal(pg_exec_account(database->pg, 1, SQL_RENAME, &params, NULL), PG_HARD);
	assert_string_equal(pg_sqlstate(database->pg), "23505");
	/* The connection is clean again. */
	pg_params_init(&params, database->arena);
	pg_param_text(&params, SLICE("eins"));
	assert_int_equal(pg_exec_account(database->pg, 1, SQL_RENAME, &params, NULL), PG_NONE);
	assert_string_equal(
		database_text(database, "SELECT name FROM account WHERE account_id = 1"), "eins");
}

static const char SQL_ACCOUNT[] = "SELECT current_setting('app.account') AS account";

#define PREPARED "SELECT count(*) FROM pg_prepared_statements"

static void a_temporary_text_runs_once(void **state)
{
	struct database *database = *state;
	struct pg_params params;
	char sql[sizeof(SQL_ACCOUNT)];
	PG_RESULT result = NULL;

	int64_t prepared = database_number(database, PREPARED);
	memcpy(sql, SQL_ACCOUNT, sizeof(sql));
	pg_params_init(&params, database->arena);
	params.once = true;
	assert_int_equal(pg_exec_account(database->pg, 77, sql, &params, &result), PG_SOME);
	assert_true(slice_equal(pg_text(result, 0, "account"), SLICE("77")));
	assert_int_equal(database_number(database, PREPARED), prepared);
}

static const char SQL_SUICIDE[] = "SELECT pg_terminate_backend(pg_backend_pid())";
static const char SQL_ONE[] = "SELECT 1 AS one";

static void a_lost_connection_is_made_again(void **state)
{
	struct database *database = *state;
	struct pg *pg = pg_new(database->dsn, 0);

	assert_int_equal(pg_exec(pg, SQL_ONE, NULL, NULL), PG_SOME);
	assert_int_equal(pg_exec(pg, SQL_SUICIDE, NULL, NULL), PG_RETRY);
	assert_int_equal(pg_exec(pg, SQL_ONE, NULL, NULL), PG_SOME);
	assert_int_equal(pg_exec_account(pg, 1, SQL_SUICIDE, NULL, NULL), PG_RETRY);
	assert_int_equal(pg_exec_account(pg, 1, SQL_ONE, NULL, NULL), PG_SOME);
	pg_free(pg);
}

static const char SQL_ADD[] = "INSERT INTO account (name) VALUES ('added')";
static const char SQL_WRONG[] = "SELECT 1 / 0";

static int64_t added(struct database *database)
{
	return database_number(database, "SELECT count(*) FROM account WHERE name = 'added'");
}

static void a_transaction_is_all_or_nothing(void **state)
{
	struct database *database = *state;
	struct pg *pg = pg_new(database->dsn, 0);
	enum pg_outcome outcome;

	assert_int_equal(pg_begin(pg), PG_NONE);
	assert_int_equal(pg_exec(pg, SQL_ADD, NULL, NULL), PG_NONE);
	outcome = pg_exec(pg, SQL_WRONG, NULL, NULL);
	assert_int_equal(pg_end(pg, outcome), PG_HARD);
	assert_true(pg_error_is(pg, "22012"));
	assert_int_equal(added(database), 0);

	assert_int_equal(pg_begin(pg), PG_NONE);
	outcome = pg_exec(pg, SQL_ADD, NULL, NULL);
	assert_int_equal(added(database), 0);
	assert_int_equal(pg_end(pg, outcome), PG_NONE);
	assert_int_equal(added(database), 1);
	database_run(database->pg, "DELETE FROM account WHERE name = 'added'");
	pg_free(pg);
}

/* What comes after the loss must not be done by itself on a new connection. */
static void a_transaction_ends_with_its_connection(void **state)
{
	struct database *database = *state;
	struct pg *pg = pg_new(database->dsn, 0);

	assert_int_equal(pg_begin(pg), PG_NONE);
	assert_int_equal(pg_exec(pg, SQL_SUICIDE, NULL, NULL), PG_RETRY);
	assert_int_equal(pg_exec(pg, SQL_ADD, NULL, NULL), PG_RETRY);
	assert_int_equal(pg_end(pg, PG_NONE), PG_RETRY);
	assert_int_equal(added(database), 0);
	assert_int_equal(pg_exec(pg, SQL_ONE, NULL, NULL), PG_SOME);
	pg_free(pg);
}

static const char SQL_STAR[] = "SELECT * FROM account ORDER BY account_id";

static void a_plan_that_a_migration_outdated_is_made_again(void **state)
{
	struct database *database = *state;
	struct pg *pg = pg_new(database->dsn, 0);

	assert_int_equal(pg_exec(pg, SQL_STAR, NULL, NULL), PG_SOME);
	database_run(database->pg, "ALTER TABLE account ADD COLUMN more integer");
	assert_int_equal(pg_exec(pg, SQL_STAR, NULL, NULL), PG_RETRY);
	assert_int_equal(pg_exec(pg, SQL_STAR, NULL, NULL), PG_SOME);
	pg_free(pg);
}

static const char SQL_SLEEP[] = "SELECT pg_sleep(20)";

static void statements_have_a_time_limit(void **state)
{
	struct database *database = *state;
	struct pg *pg = pg_new(database->dsn, 50);

	assert_int_equal(pg_exec(pg, SQL_SLEEP, NULL, NULL), PG_RETRY);
	assert_string_equal(pg_sqlstate(pg), "57014");
	pg_free(pg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_back_as_they_went),
		cmocka_unit_test(arrays_are_columns),
		cmocka_unit_test(an_array_may_be_empty),
		cmocka_unit_test(a_temporary_text_runs_once),
		cmocka_unit_test(outcomes_tell_what_to_do),
		cmocka_unit_test(done_means_committed),
		cmocka_unit_test(a_lost_connection_is_made_again),
		cmocka_unit_test(a_transaction_is_all_or_nothing),
		cmocka_unit_test(a_transaction_ends_with_its_connection),
		cmocka_unit_test(a_plan_that_a_migration_outdated_is_made_again),
		cmocka_unit_test(statements_have_a_time_limit),
	};

	return cmocka_run_group_tests(tests, database_setup, database_teardown);
}
