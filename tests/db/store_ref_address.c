/* SPDX-License-Identifier: Apache-2.0 */
/* A suppression that stands on a ref, and the address that a later event names: one entry, in
 * whichever order they come, and from whichever process. */
#include "tests/db/filings.h"

#include <string.h>

struct fixture {
	struct database *database;
	struct arena *arena;
	struct committer *committers[2];
	struct commit_item items[2][4];
	unsigned serial;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->database = database_new();
	fixture->arena = fixture->database->arena;
	for (unsigned i = 0; i < 2; i++)
		fixture->committers[i] = committer_new(
			database_dsn_as(fixture->database, "bounced_ingest"), i, false);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned i = 0; i < 2; i++)
		committer_free(fixture->committers[i]);
	database_free(fixture->database);
	free(fixture);
	return 0;
}

/* -- events -- */

static struct filing *numbered(struct fixture *fixture, const char *address, const char *ref)
{
	const char *name = arena_printf(fixture->arena, "message %u", fixture->serial++).ptr;
	struct filing *filing = filing_bounce(fixture->arena, name, address);

	sha256(slice_from_cstr(name), filing->events->key);
	filing->events->ref = slice_from_cstr(ref);
	return filing;
}

/* A hard bounce of a token that names whom it was committed to. */
static struct filing *named(struct fixture *fixture, const char *ref, const char *address)
{
	struct filing *filing = numbered(fixture, address, ref);

	filing->events->names_ref = true;
	return filing;
}

/* A hard bounce of a token that names nobody. */
static struct filing *redacted(struct fixture *fixture, const char *ref)
{
	struct filing *filing = numbered(fixture, "", ref);

	filing->events->suppress_address = false;
	return filing;
}

/* An event that names somebody, and suppresses nobody. */
static struct filing *delayed(struct fixture *fixture, const char *ref, const char *address)
{
	struct filing *filing = named(fixture, ref, address);

	filing->events->kind = REPORT_DELAY;
	filing->events->effect = EFFECT_NONE;
	return filing;
}

static void commit_one(struct fixture *fixture, struct filing *filing)
{
	commit(fixture->committers[0], fixture->items[0], &filing, 1);
	assert_int_equal(fixture->items[0]->outcome, COMMIT_DONE);
	assert_false(fixture->items[0]->stored_raw);
}

#define ENTRIES                                                                          \
	"SELECT coalesce(string_agg(concat_ws('|', stream, address, address_key, ref,"   \
	" origin, change_number, removed_at IS NULL), ', ' ORDER BY change_number), '')" \
	" FROM suppression"

#define assert_entries(fixture, entries) \
	assert_string_equal(database_text((fixture)->database, ENTRIES), entries)

/* -- one after the other -- */

static void the_address_comes_later(void **state)
{
	struct fixture *fixture = *state;
	const char *before;

	commit_one(fixture, redacted(fixture, "1"));
	assert_entries(fixture, "all|||1|bounce|1|t");
	before = database_text(fixture->database, "SELECT suppression_id::text || reason ||"
						  " created_at || evidence FROM suppression");
	commit_one(fixture, named(fixture, "1", "Ann@example.test"));
	/* 3 is of the second bounce, which had nothing to do */
	assert_entries(fixture, "all|Ann@example.test|Ann@example.test|1|bounce|2|t");
	assert_string_equal(before,
			    database_text(fixture->database,
					  "SELECT suppression_id::text || reason || created_at ||"
					  " evidence FROM suppression"));
	assert_int_equal(database_number(fixture->database,
					 "SELECT change_number FROM account WHERE account_id = 1"),
			 3);
}

static void the_address_was_there_before(void **state)
{
	struct fixture *fixture = *state;

	commit_one(fixture, named(fixture, "1", "a@example.test"));
	commit_one(fixture, redacted(fixture, "1"));
	assert_entries(fixture, "all|a@example.test|a@example.test|1|bounce|1|t");
	/* an origin that is stronger takes the same entry */
	struct filing *complaint = redacted(fixture, "1");

	complaint->events->origin = ORIGIN_COMPLAINT;
	commit_one(fixture, complaint);
	assert_entries(fixture, "all|a@example.test|a@example.test|1|complaint|3|t");
	/* and so does one that was removed */
	database_run(fixture->database->pg, "UPDATE suppression SET removed_at = now()");
	commit_one(fixture, redacted(fixture, "1"));
	assert_entries(fixture, "all|a@example.test|a@example.test|1|bounce|4|t");
}

static void another_stream_of_the_same_ref(void **state)
{
	struct fixture *fixture = *state;
	struct filing *complaint = filing_complaint(fixture->arena, "arf", "1");

	commit_one(fixture, complaint);
	commit_one(fixture, named(fixture, "1", "a@example.test"));
	assert_entries(fixture, "marketing|a@example.test|a@example.test|1|complaint|2|t, "
				"all|a@example.test|a@example.test|1|bounce|3|t");
	commit_one(fixture, named(fixture, "2", "b@example.test"));
	complaint = filing_complaint(fixture->arena, "another arf", "2");
	commit_one(fixture, complaint);
	assert_int_equal(database_number(fixture->database,
					 "SELECT count(*) FROM suppression WHERE ref = '2'"
					 " AND address_key = 'b@example.test'"),
			 2);
}

static void an_event_without_effect_names_it_too(void **state)
{
	struct fixture *fixture = *state;
	struct filing *twice = delayed(fixture, "1", "a@example.test");

	commit_one(fixture, redacted(fixture, "1"));
	commit_one(fixture, delayed(fixture, "2", "b@example.test"));
	assert_entries(fixture, "all|||1|bounce|1|t");
	commit_one(fixture, twice);
	assert_entries(fixture, "all|a@example.test|a@example.test|1|bounce|2|t");
	/* the same event by another way changes nothing */
	database_run(fixture->database->pg, "UPDATE suppression SET address = '',"
					    " address_key = ''");
	struct filing *again = delayed(fixture, "1", "a@example.test");

	memcpy(again->events->key, twice->events->key, SHA256_LEN);
	commit_one(fixture, again);
	assert_entries(fixture, "all|||1|bounce|2|t");
}

/* -- where it would be wrong -- */

static void what_does_not_prove_it_names_nobody(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = delayed(fixture, "1", "a@example.test");

	commit_one(fixture, redacted(fixture, "1"));
	filing->events->names_ref = false;
	commit_one(fixture, filing);
	assert_entries(fixture, "all|||1|bounce|1|t");
	/* another account's ref of the same name */
	filing = delayed(fixture, "1", "a@example.test");
	filing->account_id = 2;
	commit_one(fixture, filing);
	assert_entries(fixture, "all|||1|bounce|1|t");
}

static void two_addresses_for_one_ref(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filings[] = { delayed(fixture, "1", "a@example.test"),
				     delayed(fixture, "1", "b@example.test") };

	commit_one(fixture, redacted(fixture, "1"));
	commit(fixture->committers[0], fixture->items[0], filings, 2);
	assert_entries(fixture, "all|||1|bounce|1|t");
	/* what names only the ref is of neither */
	commit_one(fixture, named(fixture, "2", "a@example.test"));
	commit_one(fixture, named(fixture, "2", "b@example.test"));
	commit_one(fixture, redacted(fixture, "2"));
	assert_int_equal(database_number(fixture->database,
					 "SELECT count(*) FROM suppression WHERE ref = '2'"
					 " AND address_key = ''"),
			 1);
}

static void two_refs_of_one_address(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filings[] = { delayed(fixture, "1", "a@example.test"),
				     delayed(fixture, "2", "a@example.test") };

	commit_one(fixture, redacted(fixture, "1"));
	commit_one(fixture, redacted(fixture, "2"));
	commit(fixture->committers[0], fixture->items[0], filings, 2);
	assert_int_equal(fixture->items[0][0].outcome, COMMIT_DONE);
	/* the second ref keeps an entry of its own, and stays suppressed by it */
	assert_entries(fixture, "all|||2|bounce|2|t, "
				"all|a@example.test|a@example.test|1|bounce|3|t");
}

static void an_address_with_an_entry_of_its_own(void **state)
{
	struct fixture *fixture = *state;

	commit_one(fixture, numbered(fixture, "a@example.test", ""));
	commit_one(fixture, redacted(fixture, "1"));
	commit_one(fixture, delayed(fixture, "1", "a@example.test"));
	assert_entries(fixture, "all|a@example.test|a@example.test||bounce|1|t, "
				"all|||1|bounce|2|t");
}

static void entries_that_are_over_stay_as_they_are(void **state)
{
	struct fixture *fixture = *state;

	commit_one(fixture, redacted(fixture, "1"));
	commit_one(fixture, redacted(fixture, "2"));
	database_run(
		fixture->database->pg,
		"UPDATE suppression SET removed_at = now() WHERE ref = '1';"
		"UPDATE suppression SET expires_at = now() - interval '1 day' WHERE ref = '2'");
	commit_one(fixture, delayed(fixture, "1", "a@example.test"));
	commit_one(fixture, delayed(fixture, "2", "b@example.test"));
	assert_entries(fixture, "all|||1|bounce|1|f, all|||2|bounce|2|t");
}

/* -- at once -- */

static void in_one_batch(void **state)
{
	struct fixture *fixture = *state;
	struct filing *first[] = { redacted(fixture, "1"), named(fixture, "1", "a@example.test") };
	struct filing *second[] = { named(fixture, "2", "b@example.test"), redacted(fixture, "2") };

	commit(fixture->committers[0], fixture->items[0], first, 2);
	commit(fixture->committers[0], fixture->items[0], second, 2);
	assert_entries(fixture, "all|a@example.test|a@example.test|1|bounce|1|t, "
				"all|b@example.test|b@example.test|2|bounce|2|t");
}

#define WAITING                                                                    \
	"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()" \
	" AND usename = 'bounced_ingest' AND wait_event_type = 'Lock'"

/* Both are held up at the account's row, behind which neither has seen what the other does. */
static void commit_both(struct fixture *fixture, struct filing *first, struct filing *second)
{
	struct filing *filings[] = { first, second };
	struct pg *holder = pg_new(fixture->database->dsn, 0);

	database_run(holder, "BEGIN; SELECT FROM account WHERE account_id = 1 FOR UPDATE");
	for (unsigned i = 0; i < 2; i++) {
		int64_t give_up = time_monotonic_ms() + PATIENCE_MS;

		commit_begin(fixture->committers[i], fixture->items[i], &filings[i], 1);
		while (database_number(fixture->database, WAITING) <= i) {
			assert_false(committer_turn(fixture->committers[i]));
			assert_true(time_monotonic_ms() < give_up);
		}
	}
	database_run(holder, "COMMIT");
	pg_free(holder);
	for (unsigned i = 0; i < 2; i++) {
		commit_finish(fixture->committers[i]);
		assert_int_equal(fixture->items[i]->outcome, COMMIT_DONE);
		assert_false(fixture->items[i]->stored_raw);
	}
}

static void from_two_processes(void **state)
{
	struct fixture *fixture = *state;

	commit_both(fixture, redacted(fixture, "1"), named(fixture, "1", "a@example.test"));
	commit_both(fixture, named(fixture, "2", "b@example.test"), redacted(fixture, "2"));
	assert_entries(fixture, "all|a@example.test|a@example.test|1|bounce|2|t, "
				"all|b@example.test|b@example.test|2|bounce|4|t");
}

/* One goes from low refs and accounts to high ones, the other the other way. */
static void many_from_two_processes(void **state)
{
	struct fixture *fixture = *state;

	database_run(fixture->database->pg, "INSERT INTO account (account_id, name)"
					    " SELECT n, 'account ' || n"
					    " FROM generate_series(3, 4) n ON CONFLICT DO NOTHING");
	for (int round = 0; round < 40; round++) {
		const char *ref = arena_printf(fixture->arena, "%d", round).ptr;
		const char *address = arena_printf(fixture->arena, "u%d@example.test", round).ptr;
		struct filing *batches[2][2] = {
			{ redacted(fixture, ref), named(fixture, ref, address) },
			{ redacted(fixture, ref), named(fixture, ref, address) },
		};

		batches[0][1]->account_id = batches[1][0]->account_id = 3;
		for (unsigned i = 0; i < 2; i++)
			commit_begin(fixture->committers[i], fixture->items[i], batches[i], 2);
		for (bool done[2] = { false, false }; !done[0] || !done[1];)
			for (unsigned i = 0; i < 2; i++)
				done[i] = done[i] || committer_turn(fixture->committers[i]);
		for (unsigned i = 0; i < 2; i++)
			assert_int_equal(fixture->items[i][0].outcome, COMMIT_DONE);
	}
	assert_int_equal(database_number(fixture->database, "SELECT count(*) FROM suppression"),
			 80);
	assert_int_equal(database_number(fixture->database, "SELECT count(*) FROM suppression"
							    " WHERE address_key = ''"),
			 0);
	/* nothing was so late that the number of its change is below one that was seen */
	assert_int_equal(database_number(fixture->database,
					 "SELECT count(*) FROM suppression s JOIN account a"
					 " USING (account_id)"
					 " WHERE s.change_number > a.change_number"),
			 0);
}

#define ROUNDS 40
#define BATCH  64

/* A plan made while the table was empty would read all of an account's entries for each event. */
static void it_stays_cheap_when_there_are_many(void **state)
{
	struct fixture *fixture = *state;
	struct commit_item items[BATCH];
	struct filing *filings[BATCH];

	/* whose statistics would have the plans made again, sooner or later */
	database_run(fixture->database->pg,
		     "ALTER TABLE suppression SET (autovacuum_enabled = off)");
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < BATCH; i++) {
			const char *ref = arena_printf(fixture->arena, "%d", round * BATCH + i).ptr;

			filings[i] = i % 2 == 0 ? redacted(fixture, ref)
						: named(fixture, ref,
							arena_printf(fixture->arena,
								     "u%s@example.test", ref)
								.ptr);
		}
		commit(fixture->committers[0], items, filings, BATCH);
	}
	assert_int_equal(database_number(fixture->database, "SELECT count(*) FROM suppression"),
			 ROUNDS * BATCH);
	/* a connection that ends says what it has read */
	committer_free(fixture->committers[0]);
	fixture->committers[0] = NULL;

	int64_t give_up = time_monotonic_ms() + PATIENCE_MS, reads = 0;

	while (reads == 0 && time_monotonic_ms() < give_up)
		reads = database_number(fixture->database,
					"SELECT sum(idx_tup_read) FROM pg_stat_user_indexes"
					" WHERE relname = 'suppression'");
	assert_in_range(reads, 1, ROUNDS * BATCH * 100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_address_comes_later),
		TEST(the_address_was_there_before),
		TEST(another_stream_of_the_same_ref),
		TEST(an_event_without_effect_names_it_too),
		TEST(what_does_not_prove_it_names_nobody),
		TEST(two_addresses_for_one_ref),
		TEST(two_refs_of_one_address),
		TEST(an_address_with_an_entry_of_its_own),
		TEST(entries_that_are_over_stay_as_they_are),
		TEST(in_one_batch),
		TEST(from_two_processes),
		TEST(many_from_two_processes),
		TEST(it_stays_cheap_when_there_are_many),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
