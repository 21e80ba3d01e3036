/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions, retention and expiry, as the role of the jobs process. */
#include "tests/db/database.h"

#include "core/limits.h"
#include "core/timestamp.h"
#include "store/retention.h"

#define NOW INT64_C(1984694400000) /* 2032-11-22 */
#define DAY TIME_DAY_MS

struct fixture {
	struct database *database;
	struct arena *arena;
	struct pg *jobs;
	struct pg *other; /* of another host */
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->database = database_new();
	fixture->arena = fixture->database->arena;
	fixture->jobs = pg_new(database_dsn_as(fixture->database, "bounced_jobs"), 5000);
	fixture->other = pg_new(database_dsn_as(fixture->database, "bounced_jobs"), 5000);
	/* those that the migration has made for today */
	for (unsigned i = 0; i < 3; i++) {
		static const char *const parents[] = { "report_raw", "report", "event" };
		struct slice name = SLICE_NONE;

		while (retention_drop_partition(fixture->jobs, parents[i], NOW, fixture->arena,
						&name) == OK &&
		       !slice_empty(name))
			;
	}
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	pg_free(fixture->jobs);
	pg_free(fixture->other);
	database_free(fixture->database);
	free(fixture);
	return 0;
}

static int64_t number(struct fixture *fixture, const char *query)
{
	return database_number(fixture->database, query);
}

static const char *text(struct fixture *fixture, const char *query)
{
	return database_text(fixture->database, query);
}

static void run(struct fixture *fixture, const char *sql)
{
	database_run(fixture->database->pg, sql);
}

/* -- partitions -- */

static int64_t make(struct fixture *fixture, int64_t now)
{
	int64_t made = -1;

	assert_int_equal(retention_make_partitions(fixture->jobs, now, fixture->arena, &made), OK);
	return made;
}

static const char *drop(struct fixture *fixture, const char *parent, int64_t before)
{
	struct slice name = SLICE("untouched");

	assert_int_equal(
		retention_drop_partition(fixture->jobs, parent, before, fixture->arena, &name), OK);
	return arena_cstr(fixture->arena, name);
}

static void partitions_are_made_a_week_ahead_once(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(make(fixture, NOW), 9 + 2); /* of raw messages by the day; two by month */
	assert_int_equal(make(fixture, NOW), 0);
	assert_int_equal(make(fixture, NOW + 4 * DAY), 4 + 2); /* December comes into sight */
	assert_string_equal(text(fixture, "SELECT max(relname::text) FROM pg_class"
					  " WHERE relname LIKE 'event_2%' AND relkind = 'r'"),
			    "event_2032_12");
}

static void a_partition_goes_when_its_last_moment_is_past(void **state)
{
	struct fixture *fixture = *state;
	const int64_t day = NOW; /* midnight: that of the 21st ends here */

	make(fixture, NOW);
	run(fixture, "INSERT INTO report_raw SELECT 1, gen_random_uuid(), t, '' FROM unnest(ARRAY["
		     "'2032-11-21 12:00Z', '2032-11-22 00:00Z']::timestamptz[]) t");
	assert_string_equal(drop(fixture, "report_raw", day - 1), "");
	assert_string_equal(drop(fixture, "report_raw", day), "report_raw_2032_11_21");
	assert_string_equal(drop(fixture, "report_raw", day), "");
	assert_int_equal(number(fixture, "SELECT count(*) FROM report_raw"), 1);

	assert_string_equal(drop(fixture, "event", day), "");
	assert_string_equal(drop(fixture, "event", NOW + 9 * DAY), "event_2032_11");
	assert_string_equal(drop(fixture, "report", NOW + 9 * DAY), "report_2032_11");
	assert_int_equal(number(fixture, "SELECT count(*) FROM pg_inherits"
					 " WHERE inhparent = 'event'::regclass"),
			 0);
	assert_int_equal(make(fixture, NOW), 1 + 2);
}

static void the_oldest_goes_first(void **state)
{
	struct fixture *fixture = *state;

	make(fixture, NOW);
	make(fixture, NOW - 100 * DAY);
	assert_string_equal(drop(fixture, "report_raw", NOW), "report_raw_2032_08_13");
	assert_string_equal(drop(fixture, "report_raw", NOW), "report_raw_2032_08_14");
}

/* Commits queue behind DROP, and DROP behind a reader: it must give up. */
static void a_reader_is_not_waited_for(void **state)
{
	struct fixture *fixture = *state;
	struct slice name;
	int64_t begin = time_monotonic_ms();

	make(fixture, NOW);
	run(fixture, "BEGIN; LOCK TABLE report_raw IN ACCESS SHARE MODE");
	assert_int_equal(
		retention_drop_partition(fixture->jobs, "report_raw", NOW, fixture->arena, &name),
		ERR_RETRY);
	assert_true(pg_error_is(fixture->jobs, "55P03"));
	assert_true(time_monotonic_ms() - begin < 4000);
	run(fixture, "COMMIT");
	assert_string_equal(drop(fixture, "report_raw", NOW), "report_raw_2032_11_21");
}

/* -- rows -- */

static int64_t delete (struct fixture *fixture, enum retention_rows rows, uint64_t account,
		       int64_t before, int64_t limit)
{
	int64_t deleted = -1;

	assert_int_equal(retention_delete(fixture->jobs, rows, account, before, limit, &deleted),
			 OK);
	return deleted;
}

/* Rows of both accounts, one a day of the last twenty. */
static void insert_old_rows(struct fixture *fixture)
{
	run(fixture,
	    "CREATE TEMP VIEW days AS SELECT a, timestamptz '2032-11-22 00:00Z' - d * interval '1 "
	    "day'"
	    " AS day, d FROM generate_series(1, 2) a, generate_series(1, 20) d;"
	    "INSERT INTO ingest_key SELECT a, int4send(d), gen_random_uuid(), day FROM days;"
	    "INSERT INTO event_key SELECT a, int4send(d), gen_random_uuid(), day FROM days;"
	    "INSERT INTO rollup_hour SELECT a, day, s, '', '', '', '', '', 0, '', '', 1, 0"
	    " FROM days, generate_series(0, 2) s;"
	    "INSERT INTO suppression (account_id, suppression_id, stream, address, address_key, "
	    "ref,"
	    " reason, origin, policy, evidence, can_reactivate, change_number, created_at, "
	    "updated_at,"
	    " removed_at) SELECT a, gen_random_uuid(), 'all', '', '', d, '', 'manual', '', '{}', "
	    "true,"
	    " d, day, day, CASE WHEN d % 2 = 0 THEN day END FROM days");
}

static void rows_go_by_account_age_and_batch(void **state)
{
	static const struct {
		enum retention_rows rows;
		int64_t old; /* rows of an account from more than ten days ago */
		int64_t batch, left;
	} cases[] = {
		{ RETENTION_INGEST_KEYS, 10, 4, 10 },
		{ RETENTION_EVENT_KEYS, 10, 4, 10 },
		{ RETENTION_TOMBSTONES, 5, 2, 15 }, /* the other ten are live, whatever their age */
		{ RETENTION_ROLLUPS, 30, 3, 30 },   /* an hour at a time */
	};
	struct fixture *fixture = *state;

	insert_old_rows(fixture);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *table = retention_rows_word(cases[i].rows);
		int64_t deleted = 0, some;

		assert_int_equal(delete (fixture, cases[i].rows, 1, NOW - 20 * DAY, 4), 0);
		do {
			some = delete (fixture, cases[i].rows, 1, NOW - 10 * DAY, cases[i].batch);
			assert_true(some <= cases[i].batch);
			deleted += some;
		} while (some > 0);
		assert_int_equal(deleted, cases[i].old);
		assert_int_equal(
			number(fixture,
			       arena_printf(fixture->arena,
					    "SELECT count(*) FROM %s WHERE account_id = 1", table)
				       .ptr),
			cases[i].left);
		assert_true(
			number(fixture,
			       arena_printf(fixture->arena,
					    "SELECT count(*) FROM %s WHERE account_id = 2", table)
				       .ptr) >= 20);
	}
}

/* Who deletes the same at the same time takes other rows, and waits for nobody. */
static void two_hosts_share_the_work(void **state)
{
	struct fixture *fixture = *state;

	insert_old_rows(fixture);
	run(fixture, "BEGIN; SELECT FROM ingest_key WHERE account_id = 1 AND received_at <"
		     " '2032-11-05Z' FOR UPDATE");
	assert_int_equal(delete (fixture, RETENTION_INGEST_KEYS, 1, NOW - 10 * DAY, 100), 7);
	run(fixture, "ROLLBACK");
	assert_int_equal(delete (fixture, RETENTION_INGEST_KEYS, 1, NOW - 10 * DAY, 100), 3);
}

static void accounts_are_listed(void **state)
{
	struct fixture *fixture = *state;
	uint64_t *accounts;
	size_t count = 0;

	assert_int_equal(retention_accounts(fixture->jobs, fixture->arena, &accounts, &count), OK);
	assert_int_equal(count, 3);
	assert_int_equal(accounts[0], 0);
	assert_int_equal(accounts[2], 2);
}

/* -- expiry -- */

static int64_t expire(struct pg *pg, int64_t now, int64_t limit)
{
	int64_t expired = -1;

	assert_int_equal(retention_expire(pg, 1, now, limit, &expired), OK);
	return expired;
}

static void ended_suppressions_become_tombstones(void **state)
{
	struct fixture *fixture = *state;
	uint64_t *accounts;
	size_t count = 0;

	insert_old_rows(fixture);
	run(fixture, "UPDATE account SET change_number = 20;"
		     "UPDATE suppression SET expires_at = created_at + interval '12 days',"
		     " evidence = '{\"rule\":\"x\"}' WHERE account_id = 1 AND ref < '15'");
	/* Live ones of account 1: the odd days. By the 22nd that of 13 days ago has ended, by the
	 * 24th that of 11 as well.
	 */
	assert_int_equal(retention_accounts_expiring(fixture->jobs, NOW - 2 * DAY, fixture->arena,
						     &accounts, &count),
			 OK);
	assert_int_equal(count, 0);
	assert_int_equal(
		retention_accounts_expiring(fixture->jobs, NOW, fixture->arena, &accounts, &count),
		OK);
	assert_int_equal(count, 1);
	assert_int_equal(accounts[0], 1);

	assert_int_equal(expire(fixture->jobs, NOW - 2 * DAY, 10), 0);
	assert_int_equal(number(fixture, "SELECT change_number FROM account WHERE account_id = 1"),
			 20);
	assert_int_equal(expire(fixture->jobs, NOW + 2 * DAY, 1), 1);
	assert_int_equal(expire(fixture->other, NOW + 2 * DAY, 10), 1);
	assert_int_equal(expire(fixture->jobs, NOW + 2 * DAY, 10), 0);
	assert_string_equal(text(fixture,
				 "SELECT string_agg(concat_ws('|', ref, change_number, removed_at ="
				 " '2032-11-24Z', updated_at = removed_at, evidence->>'rule',"
				 " evidence->'removal'->>'by'), ' ' ORDER BY change_number)"
				 " FROM suppression WHERE account_id = 1 AND change_number > 20"),
			    "13|21|t|t|x|expiry 11|22|t|t|x|expiry");
	assert_int_equal(number(fixture, "SELECT change_number FROM account WHERE account_id = 1"),
			 22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(partitions_are_made_a_week_ahead_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_partition_goes_when_its_last_moment_is_past,
						setup, teardown),
		cmocka_unit_test_setup_teardown(the_oldest_goes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reader_is_not_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(rows_go_by_account_age_and_batch, setup, teardown),
		cmocka_unit_test_setup_teardown(two_hosts_share_the_work, setup, teardown),
		cmocka_unit_test_setup_teardown(accounts_are_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(ended_suppressions_become_tombstones, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
