/* SPDX-License-Identifier: Apache-2.0 */
/* The acknowledgment when things go wrong: no false 250, nothing lost, nothing twice. */
#include "tests/db/filings.h"

#include <string.h>

#include "core/limits.h"

struct fixture {
	struct database *database;
	struct arena *arena;
	struct committer *committer;
	struct commit_item items[LIMIT_BATCH_MESSAGES];
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->database = database_new();
	fixture->arena = fixture->database->arena;
	fixture->committer =
		committer_new(database_dsn_as(fixture->database, "bounced_ingest"), 0, false);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	committer_free(fixture->committer);
	database_free(fixture->database);
	free(fixture);
	return 0;
}

static void run(struct fixture *fixture, const char *sql)
{
	database_run(fixture->database->pg, sql);
}

static int64_t rows(struct fixture *fixture, const char *query)
{
	return database_number(fixture->database, query);
}

/* Bounces named m0, m1, … of u0@example.test, …; `first` is the number of the first. */
static void make_filings(struct fixture *fixture, struct filing **filings, size_t first,
			 size_t count)
{
	for (size_t i = 0; i < count; i++)
		filings[i] = filing_bounce(
			fixture->arena, arena_printf(fixture->arena, "m%zu", first + i).ptr,
			arena_printf(fixture->arena, "u%zu@example.test", first + i).ptr);
}

/* Makes the insert of reports fail where their subject is that word. */
static void refuse_subject(struct fixture *fixture, const char *condition, const char *sqlstate)
{
	const char *sql = arena_printf(fixture->arena,
				       "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql"
				       " AS $$ BEGIN IF %s THEN RAISE SQLSTATE '%s'; END IF;"
				       " RETURN NEW; END $$;"
				       "CREATE TRIGGER refuse BEFORE INSERT ON report FOR EACH ROW"
				       " EXECUTE FUNCTION refuse()",
				       condition, sqlstate)
				  .ptr;

	run(fixture, sql);
}

static void set_subject(struct fixture *fixture, struct filing *filing, const char *subject)
{
	struct report *report = ARENA_NEW(fixture->arena, struct report);

	*report = *filing->report;
	report->subject = slice_from_cstr(subject);
	filing->report = report;
}

#define POISON "NEW.detail->>'subject' = 'poison'"

/* -- refused for its data -- */

static void check_poison(struct fixture *fixture, size_t count, const size_t *poisoned,
			 size_t poisoned_count)
{
	struct filing *filings[LIMIT_BATCH_MESSAGES];

	make_filings(fixture, filings, 0, count);
	for (size_t i = 0; i < poisoned_count; i++)
		set_subject(fixture, filings[poisoned[i]], "poison");
	commit(fixture->committer, fixture->items, filings, count);

	size_t raw = 0;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(fixture->items[i].outcome, COMMIT_DONE);
		assert_false(filings[i]->duplicate);
		raw += fixture->items[i].stored_raw;
	}
	for (size_t i = 0; i < poisoned_count; i++)
		assert_true(fixture->items[poisoned[i]].stored_raw);
	assert_int_equal(raw, poisoned_count);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM report_raw"), count);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM report WHERE kind = 'quarantined'"),
			 poisoned_count);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM event"), count - poisoned_count);
	assert_int_equal(rows(fixture, "SELECT sum(suppressed) FROM rollup_hour"),
			 count - poisoned_count);
}

static void one_bad_report_of_a_batch_is_kept_raw(void **state)
{
	struct fixture *fixture = *state;

	refuse_subject(fixture, POISON, "22003");
	check_poison(fixture, LIMIT_BATCH_MESSAGES, (size_t[]){ 41 }, 1);
	assert_string_equal(database_text(fixture->database,
					  "SELECT quarantine || ' ' || (detail->>'kind')"
					  " FROM report WHERE kind = 'quarantined'"),
			    "store/22003 quarantined");
}

static void several_bad_reports_are_kept_raw(void **state)
{
	struct fixture *fixture = *state;

	refuse_subject(fixture, POISON, "23514");
	check_poison(fixture, 13, (size_t[]){ 0, 5, 6, 12 }, 4);
}

static void a_single_bad_report_is_kept_raw(void **state)
{
	struct fixture *fixture = *state;

	refuse_subject(fixture, POISON, "54000");
	check_poison(fixture, 1, (size_t[]){ 0 }, 1);
}

static void a_real_constraint_refuses_too(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filings[2];

	make_filings(fixture, filings, 0, 2);
	filings[1]->events->stream = SLICE("no such stream");
	commit(fixture->committer, fixture->items, filings, 2);
	assert_int_equal(fixture->items[0].outcome, COMMIT_DONE);
	assert_false(fixture->items[0].stored_raw);
	assert_int_equal(fixture->items[1].outcome, COMMIT_DONE);
	assert_true(fixture->items[1].stored_raw);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM suppression"), 1);
}

static void what_even_raw_is_refused_is_not_acknowledged(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = filing_bounce(fixture->arena, "m", "a@example.test");

	refuse_subject(fixture, "true", "22003");
	commit(fixture->committer, fixture->items, &filing, 1);
	assert_int_equal(fixture->items[0].outcome, COMMIT_LATER);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM ingest_key"), 0);
	/* The next one finds a connection again. */
	run(fixture, "DROP TRIGGER refuse ON report");
	commit(fixture->committer, fixture->items, &filing, 1);
	assert_int_equal(fixture->items[0].outcome, COMMIT_DONE);
}

/* -- refused for other reasons -- */

static void deadlocks_are_tried_again(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filings[2];

	run(fixture, "CREATE SEQUENCE attempt; GRANT USAGE ON attempt TO PUBLIC");
	refuse_subject(fixture, "nextval('attempt') <= 3", "40P01");
	make_filings(fixture, filings, 0, 2);
	commit(fixture->committer, fixture->items, filings, 2);
	assert_int_equal(fixture->items[0].outcome, COMMIT_DONE);
	assert_int_equal(fixture->items[1].outcome, COMMIT_DONE);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM report"), 2);
}

static void but_not_for_ever(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = filing_bounce(fixture->arena, "m", "a@example.test");

	run(fixture, "CREATE SEQUENCE attempt; GRANT USAGE ON attempt TO PUBLIC");
	refuse_subject(fixture, "nextval('attempt') > 0", "40001");
	commit(fixture->committer, fixture->items, &filing, 1);
	assert_int_equal(fixture->items[0].outcome, COMMIT_LATER);
	assert_int_equal(rows(fixture, "SELECT last_value FROM attempt"), 1 + LIMIT_COMMIT_RETRIES);
}

static void a_full_disk_is_said_so(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filings[3];

	refuse_subject(fixture, POISON, "53100");
	make_filings(fixture, filings, 0, 3);
	set_subject(fixture, filings[1], "poison");
	commit(fixture->committer, fixture->items, filings, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(fixture->items[i].outcome, COMMIT_NO_SPACE);
	/* The connection is kept, and goes on as soon as there is room. */
	assert_true(committer_ready(fixture->committer));
	set_subject(fixture, filings[1], "");
	commit(fixture->committer, fixture->items, filings, 3);
	assert_int_equal(fixture->items[1].outcome, COMMIT_DONE);
}

static void what_commit_itself_refuses_is_not_acknowledged(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = filing_bounce(fixture->arena, "m", "a@example.test");

	/* All statements succeed; the failure comes with COMMIT. */
	run(fixture, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql"
		     " AS $$ BEGIN RAISE SQLSTATE 'P0001'; END $$;"
		     "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON ingest_key"
		     " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()");
	commit(fixture->committer, fixture->items, &filing, 1);
	assert_int_equal(fixture->items[0].outcome, COMMIT_LATER);
	assert_false(committer_up(fixture->committer));
	assert_int_equal(rows(fixture, "SELECT count(*) FROM report"), 0);
}

static void a_missing_partition_is_made_in_time(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = filing_bounce(fixture->arena, "m", "a@example.test");

	assert_true(committer_wait_ready(fixture->committer));
	run(fixture, "DO $$ DECLARE name regclass; BEGIN FOR name IN SELECT inhrelid FROM"
		     " pg_inherits WHERE inhparent = 'report_raw'::regclass LOOP EXECUTE"
		     " format('DROP TABLE %s', name); END LOOP; END $$");
	commit(fixture->committer, fixture->items, &filing, 1);
	assert_int_equal(fixture->items[0].outcome, COMMIT_LATER);
	commit(fixture->committer, fixture->items, &filing, 1);
	assert_int_equal(fixture->items[0].outcome, COMMIT_DONE);
}

/* -- the connection -- */

static const char WAITING[] = "SELECT count(*) FROM pg_stat_activity WHERE usename = "
			      "'bounced_ingest' AND datname = current_database()"
			      " AND wait_event_type = 'Lock'";

/* Another session holds report_raw, so that a batch stops half-way. */
static struct pg *hold_report_raw(struct fixture *fixture)
{
	struct pg *pg = pg_new(fixture->database->dsn, 0);

	assert_true(committer_wait_ready(fixture->committer));
	database_run(pg, "BEGIN; LOCK TABLE report_raw IN EXCLUSIVE MODE");
	return pg;
}

static void wait_for_number(struct fixture *fixture, const char *query, int64_t number)
{
	int64_t give_up = time_monotonic_ms() + PATIENCE_MS;

	while (rows(fixture, query) != number) {
		committer_step(fixture->committer, time_monotonic_ms());
		if (time_monotonic_ms() > give_up)
			fail_msg("not in time: %s", query);
	}
}

static void a_killed_backend_is_not_acknowledged(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filings[4];
	struct pg *holder = hold_report_raw(fixture);

	make_filings(fixture, filings, 0, 4);
	commit_begin(fixture->committer, fixture->items, filings, 4);
	wait_for_number(fixture, WAITING, 1);
	assert_true(committer_up(fixture->committer));
	run(fixture, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
		     " WHERE usename = 'bounced_ingest' AND datname = current_database()");
	commit_finish(fixture->committer);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(fixture->items[i].outcome, COMMIT_LATER);
	assert_false(committer_up(fixture->committer));
	database_run(holder, "ROLLBACK");
	pg_free(holder);

	/* The senders try again, with new ids. */
	struct filing *again[4];
	make_filings(fixture, again, 0, 4);
	commit(fixture->committer, fixture->items, again, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(fixture->items[i].outcome, COMMIT_DONE);
		assert_false(again[i]->duplicate);
	}
	assert_int_equal(rows(fixture, "SELECT count(*) FROM report"), 4);
	assert_int_equal(rows(fixture, "SELECT sum(events) FROM rollup_hour"), 4);
}

static void a_hanging_database_is_given_up(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = filing_bounce(fixture->arena, "m", "a@example.test");
	struct pg *holder = hold_report_raw(fixture);

	commit_begin(fixture->committer, fixture->items, &filing, 1);
	wait_for_number(fixture, WAITING, 1);
	assert_false(committer_step(fixture->committer, time_monotonic_ms()));
	/* As if the time had passed. */
	assert_true(committer_step(fixture->committer, time_monotonic_ms() + LIMIT_COMMIT_MS));
	assert_int_equal(fixture->items[0].outcome, COMMIT_LATER);
	assert_false(committer_up(fixture->committer));
	assert_true(committer_deadline(fixture->committer) <=
		    time_monotonic_ms() + LIMIT_COMMIT_MS + LIMIT_RECONNECT_MAX_MS);
	database_run(holder, "ROLLBACK");
	pg_free(holder);
}

static void an_idle_connection_that_is_lost_is_noticed(void **state)
{
	struct fixture *fixture = *state;
	int64_t give_up = time_monotonic_ms() + PATIENCE_MS;

	assert_true(committer_wait_ready(fixture->committer));
	run(fixture, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
		     " WHERE usename = 'bounced_ingest' AND datname = current_database()");
	while (committer_up(fixture->committer) && time_monotonic_ms() < give_up)
		committer_turn(fixture->committer);
	assert_false(committer_up(fixture->committer));
	assert_false(committer_ready(fixture->committer));
	assert_true(committer_wait_ready(fixture->committer));
}

static void partitions_are_made_while_idle(void **state)
{
	struct fixture *fixture = *state;

	assert_true(committer_wait_ready(fixture->committer));
	run(fixture, "DO $$ DECLARE name regclass; BEGIN FOR name IN SELECT inhrelid FROM"
		     " pg_inherits WHERE inhparent = 'event'::regclass LOOP EXECUTE"
		     " format('DROP TABLE %s', name); END LOOP; END $$");
	assert_false(committer_step(fixture->committer, time_monotonic_ms() + LIMIT_PARTITIONS_MS));
	assert_true(committer_up(fixture->committer));
	assert_true(committer_wait_ready(fixture->committer));
	assert_true(rows(fixture, "SELECT count(*) FROM pg_inherits"
				  " WHERE inhparent = 'event'::regclass") > 0);
}

static void nobody_there(void **state)
{
	struct committer *committer = committer_new("host=/nonexistent dbname=nowhere", 0, false);
	int64_t now = time_monotonic_ms();
	int64_t pause = 0;

	(void)state;
	assert_true(committer_deadline(committer) <= now);
	assert_int_equal(committer_fd(committer), -1);
	for (int i = 0; i < 8; i++) {
		assert_false(committer_step(committer, now));
		assert_false(committer_up(committer));
		assert_true(committer_deadline(committer) - now >= pause);
		pause = committer_deadline(committer) - now;
		now = committer_deadline(committer);
	}
	assert_int_equal(pause, LIMIT_RECONNECT_MAX_MS);
	committer_free(committer);
}

static void a_forgetful_database_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct committer *strict, *lax;

	run(fixture, arena_printf(fixture->arena, "ALTER DATABASE %s SET synchronous_commit = off",
				  fixture->database->name)
			     .ptr);
	strict = committer_new(fixture->database->dsn, 0, false);
	lax = committer_new(fixture->database->dsn, 0, true);
	for (int64_t end = time_monotonic_ms() + 500; time_monotonic_ms() < end;)
		committer_turn(strict);
	assert_false(committer_up(strict));
	assert_true(committer_wait_ready(lax));
	committer_free(strict);
	committer_free(lax);
}

/* -- several at once -- */

#define COMMITTERS 4
#define ROUNDS     12
#define EACH       8

struct crowd {
	struct committer *committers[COMMITTERS];
	struct commit_item items[COMMITTERS][EACH];
	struct filing *filings[COMMITTERS][EACH];
	bool seen[COMMITTERS * ROUNDS * EACH + 1];
	int64_t newest;
};

static const char SQL_CHANGES[] =
	"SELECT change_number FROM suppression WHERE account_id = 1 ORDER BY change_number";

/* Nobody who can see change n meets a number below n for the first time. */
static void watch_feed(struct fixture *fixture, struct crowd *crowd)
{
	PG_RESULT result = NULL;
	int64_t newest = crowd->newest;

	if (pg_exec(fixture->database->pg, SQL_CHANGES, NULL, &result) == PG_HARD)
		fail();
	for (int row = 0; row < pg_rows(result); row++) {
		int64_t number = pg_int(result, row, "change_number");

		if (!crowd->seen[number] && number < newest)
			fail_msg("change %d came after %d", (int)number, (int)newest);
		crowd->seen[number] = true;
		if (number > crowd->newest)
			crowd->newest = number;
	}
}

/* All commit at the same time; each its own addresses, or (shared) all the same ones. */
static void crowd_round(struct fixture *fixture, struct crowd *crowd, size_t round, bool shared)
{
	bool busy = true;

	for (size_t i = 0; i < COMMITTERS; i++) {
		for (size_t j = 0; j < EACH; j++) {
			size_t name = (round * COMMITTERS + i) * EACH + j;
			size_t address = shared ? j : name;
			struct filing *filing = filing_bounce(
				fixture->arena,
				arena_printf(fixture->arena, "m%d-%zu", shared, name).ptr,
				arena_printf(fixture->arena, "%d-%zu@example.test", shared, address)
					.ptr);
			sha256(slice_from((char *)filing->key, SHA256_LEN), filing->events->key);
			crowd->filings[i][j] = filing;
		}
		commit_begin(crowd->committers[i], crowd->items[i], crowd->filings[i], EACH);
	}
	while (busy) {
		busy = false;
		for (size_t i = 0; i < COMMITTERS; i++) {
			if (committer_busy(crowd->committers[i])) {
				committer_step(crowd->committers[i], time_monotonic_ms());
				busy = true;
			}
		}
		watch_feed(fixture, crowd);
	}
	for (size_t i = 0; i < COMMITTERS; i++) {
		for (size_t j = 0; j < EACH; j++)
			assert_int_equal(crowd->items[i][j].outcome, COMMIT_DONE);
	}
}

static void changes_are_ordered_by_commit(void **state)
{
	struct fixture *fixture = *state;
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	for (unsigned i = 0; i < COMMITTERS; i++)
		crowd->committers[i] = committer_new(fixture->database->dsn, i, false);
	for (size_t round = 0; round + 1 < ROUNDS; round++)
		crowd_round(fixture, crowd, round, false);
	/* Contiguous where nobody wanted the same. */
	int64_t expected = (ROUNDS - 1) * COMMITTERS * EACH;
	assert_int_equal(crowd->newest, expected);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM suppression"), expected);
	assert_int_equal(rows(fixture, "SELECT change_number FROM account WHERE account_id = 1"),
			 expected);
	assert_int_equal(rows(fixture, "SELECT count(DISTINCT slot) FROM rollup_hour"), COMMITTERS);

	/* One entry each where all wanted the same. */
	crowd_round(fixture, crowd, ROUNDS, true);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM suppression"), expected + EACH);
	assert_int_equal(rows(fixture, "SELECT sum(events) FROM rollup_hour"),
			 expected + COMMITTERS * EACH);
	for (size_t i = 0; i < COMMITTERS; i++)
		committer_free(crowd->committers[i]);
	free(crowd);
}

static void the_same_messages_at_once_count_once(void **state)
{
	struct fixture *fixture = *state;
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	bool busy = true;

	for (unsigned i = 0; i < COMMITTERS; i++) {
		crowd->committers[i] = committer_new(fixture->database->dsn, i, false);
		/* In another order in each: keys are locked in one order all the same. */
		make_filings(fixture, crowd->filings[i], 0, EACH);
		for (size_t j = 0; j < i; j++) {
			struct filing *first = crowd->filings[i][0];
			memmove(&crowd->filings[i][0], &crowd->filings[i][1],
				(EACH - 1) * sizeof(struct filing *));
			crowd->filings[i][EACH - 1] = first;
		}
		commit_begin(crowd->committers[i], crowd->items[i], crowd->filings[i], EACH);
	}
	while (busy) {
		busy = false;
		for (size_t i = 0; i < COMMITTERS; i++)
			busy |= committer_busy(crowd->committers[i]) &&
				!committer_step(crowd->committers[i], time_monotonic_ms());
	}
	size_t firsts = 0;
	for (size_t i = 0; i < COMMITTERS; i++) {
		for (size_t j = 0; j < EACH; j++) {
			assert_int_equal(crowd->items[i][j].outcome, COMMIT_DONE);
			firsts += !crowd->filings[i][j]->duplicate;
		}
		committer_free(crowd->committers[i]);
	}
	assert_int_equal(firsts, EACH);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM report"), EACH);
	assert_int_equal(rows(fixture, "SELECT sum(events) FROM rollup_hour"), EACH);
	free(crowd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_bad_report_of_a_batch_is_kept_raw),
		TEST(several_bad_reports_are_kept_raw),
		TEST(a_single_bad_report_is_kept_raw),
		TEST(a_real_constraint_refuses_too),
		TEST(what_even_raw_is_refused_is_not_acknowledged),
		TEST(deadlocks_are_tried_again),
		TEST(but_not_for_ever),
		TEST(a_full_disk_is_said_so),
		TEST(what_commit_itself_refuses_is_not_acknowledged),
		TEST(a_missing_partition_is_made_in_time),
		TEST(a_killed_backend_is_not_acknowledged),
		TEST(a_hanging_database_is_given_up),
		TEST(an_idle_connection_that_is_lost_is_noticed),
		TEST(partitions_are_made_while_idle),
		TEST(a_forgetful_database_is_refused),
		TEST(changes_are_ordered_by_commit),
		TEST(the_same_messages_at_once_count_once),
		cmocka_unit_test(nobody_there),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
