/* SPDX-License-Identifier: Apache-2.0 */
/* Reports that are authenticated again: committed as ingest does, taken and filed anew as jobs do.
 */
#include "tests/db/filings.h"

#include "core/authentication.h"
#include "core/limits.h"
#include "store/pending.h"

#define MINUTE INT64_C(60000)

static const int64_t WAITS[] = { MINUTE, 5 * MINUTE, 15 * MINUTE };
static const struct pending_waits waits = { WAITS, 3 };
static const struct authentication UNKNOWN = { .undecided = true };
static const struct authentication PROVEN = { .reporter = SLICE_LITERAL("provider") };

struct fixture {
	struct database *database;
	struct arena *arena;
	struct committer *committer;
	struct pg *jobs;
	struct pg *other; /* of another host */
	struct commit_item items[1];
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->database = database_new();
	fixture->arena = fixture->database->arena;
	fixture->committer =
		committer_new(database_dsn_as(fixture->database, "bounced_ingest"), 3, false);
	fixture->jobs = pg_new(database_dsn_as(fixture->database, "bounced_jobs"), 5000);
	fixture->other = pg_new(database_dsn_as(fixture->database, "bounced_jobs"), 5000);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	committer_free(fixture->committer);
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

/* A complaint about an address, as it is before anybody knows who sent it. */
static struct filing *undecided(struct fixture *fixture, const char *name, const char *address)
{
	struct filing *filing = filing_complaint(fixture->arena, name, "");
	struct inbound *inbound = ARENA_NEW(fixture->arena, struct inbound);
	struct report_recipient *recipient = ARENA_NEW(fixture->arena, struct report_recipient);

	recipient->address = slice_from_cstr(address);
	recipient->reason = REASON_FEEDBACK;
	*inbound = *filing->inbound;
	inbound->authentication = &UNKNOWN;
	filing->inbound = inbound;
	filing->trust = TRUST_UNVERIFIED;
	filing->undecided = true;
	filing->events->recipient = recipient;
	filing->events->address = recipient->address;
	filing->events->trust = TRUST_UNVERIFIED;
	filing->events->recipient_domain = SLICE_NONE;
	filing->events->effect = EFFECT_NONE;
	filing->events->policy = SLICE_NONE;
	return filing;
}

/* The same, attributed again once its reporter is known: another event id, until it is matched. */
static struct filing *decided(struct fixture *fixture, const struct filing *before)
{
	struct filing *filing = ARENA_NEW(fixture->arena, struct filing);
	struct filing_event *event = ARENA_NEW(fixture->arena, struct filing_event);
	struct inbound *inbound = ARENA_NEW(fixture->arena, struct inbound);

	*filing = *before;
	*event = *before->events;
	*inbound = *before->inbound;
	inbound->authentication = &PROVEN;
	filing->inbound = inbound;
	filing->trust = event->trust = TRUST_AUTHENTICATED;
	filing->undecided = false;
	filing->events = event;
	event->id = uuid_v7(inbound->received_at);
	event->recipient_domain = SLICE("example.test");
	event->effect = EFFECT_SUPPRESS;
	event->suppress_address = true;
	event->policy = SLICE("default/complaint");
	return filing;
}

static struct filing *commit_undecided(struct fixture *fixture, const char *name,
				       const char *address)
{
	struct filing *filing = undecided(fixture, name, address);

	commit(fixture->committer, fixture->items, &filing, 1);
	assert_int_equal(fixture->items[0].outcome, COMMIT_DONE);
	return filing;
}

static size_t claim(struct fixture *fixture, struct pg *pg, int64_t now, size_t limit,
		    struct pending_report **ret_reports)
{
	size_t count = 99;

	assert_int_equal(pending_claim(pg, now, &waits, limit, fixture->arena, ret_reports, &count),
			 OK);
	return count;
}

static bool apply(struct pg *pg, struct filing *filing)
{
	bool applied = false;

	assert_int_equal(pending_apply(pg, filing, &applied), OK);
	return applied;
}

/* -- whose turn it is -- */

static void the_pauses_grow(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = commit_undecided(fixture, "m", "a@example.test");
	int64_t now = filing->inbound->received_at;
	struct pending_report *reports;

	assert_int_equal(claim(fixture, fixture->jobs, now - 1, 10, &reports), 0);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(claim(fixture, fixture->jobs, now, 10, &reports), 1);
		assert_int_equal(reports[0].attempts, i + 1);
		assert_int_equal(reports[0].account_id, 1);
		assert_memory_equal(&reports[0].report_id, &filing->report_id, sizeof(struct uuid));
		now += WAITS[i < 2 ? i : 2];
		assert_int_equal(claim(fixture, fixture->other, now - 1, 10, &reports), 0);
	}
}

static void a_report_is_one_hosts_at_a_time(void **state)
{
	struct fixture *fixture = *state;
	struct pending_report *reports;
	int64_t now = 0;

	for (int i = 0; i < 3; i++) {
		const char *name = arena_printf(fixture->arena, "m%d@example.test", i).ptr;

		now = commit_undecided(fixture, name, name)->inbound->received_at;
	}
	database_run(fixture->database->pg, "BEGIN; SELECT FROM pending_authentication"
					    " ORDER BY next_at LIMIT 1 FOR UPDATE");
	assert_int_equal(claim(fixture, fixture->jobs, now, 1, &reports), 1);
	assert_int_equal(claim(fixture, fixture->other, now, 10, &reports), 1);
	database_run(fixture->database->pg, "ROLLBACK");
	assert_int_equal(claim(fixture, fixture->other, now, 10, &reports), 1);
	assert_int_equal(claim(fixture, fixture->jobs, now, 10, &reports), 0);
}

static void a_day_is_enough(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = commit_undecided(fixture, "m", "a@example.test");
	int64_t end = filing->inbound->received_at + LIMIT_PENDING_MS, count = 99;
	struct pending_report *reports;

	assert_int_equal(pending_give_up(fixture->jobs, end - 1, &count), OK);
	assert_int_equal(count, 0);
	assert_int_equal(claim(fixture, fixture->jobs, end, 10, &reports), 0);
	assert_int_equal(claim(fixture, fixture->jobs, end - 1, 10, &reports), 1);
	assert_int_equal(pending_give_up(fixture->jobs, end, &count), OK);
	assert_int_equal(count, 1);
	assert_false(apply(fixture->jobs, decided(fixture, filing)));
	assert_int_equal(number(fixture, "SELECT count(*) FROM suppression"), 0);
}

static void what_is_forgotten_is_gone(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = commit_undecided(fixture, "m", "a@example.test");
	const struct pending_report pending = { 1, filing->report_id, 1 };

	assert_int_equal(pending_forget(fixture->jobs, &pending), OK);
	assert_int_equal(number(fixture, "SELECT count(*) FROM pending_authentication"), 0);
	assert_int_equal(pending_forget(fixture->jobs, &pending), OK);
}

/* -- what it does -- */

#define COUNTS                                                                                     \
	"SELECT string_agg(concat_ws('|', trust, domain, events, suppressed), ' ' ORDER BY trust)" \
	" FROM (SELECT trust, recipient_domain AS domain, sum(events) AS events,"                  \
	" sum(suppressed) AS suppressed FROM rollup_hour GROUP BY 1, 2) r"

static void a_report_is_filed_anew_once(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = commit_undecided(fixture, "m", "a@example.test");
	const char *event_id = text(fixture, "SELECT event_id FROM event");

	assert_string_equal(text(fixture, COUNTS), "unverified||1|0");
	assert_true(apply(fixture->jobs, decided(fixture, filing)));
	assert_false(apply(fixture->other, decided(fixture, filing)));

	assert_int_equal(number(fixture, "SELECT count(*) FROM event"), 1);
	assert_string_equal(text(fixture, "SELECT event_id FROM event"), event_id);
	assert_string_equal(text(fixture,
				 "SELECT concat_ws('|', trust, effect, policy, address_key,"
				 " recipient_domain) FROM event"),
			    "authenticated|suppress|default/complaint|a@example.test|example.test");
	assert_string_equal(text(fixture,
				 "SELECT concat_ws('|', trust, authentication->>'reporter')"
				 " FROM report"),
			    "authenticated|provider");
	assert_string_equal(text(fixture, "SELECT concat_ws('|', stream, address_key, origin,"
					  " change_number, evidence->>'trust', suppression_id ="
					  " (SELECT event_id FROM event), created_at ="
					  " (SELECT received_at FROM report)) FROM suppression"),
			    "marketing|a@example.test|complaint|1|authenticated|t|t");
	assert_string_equal(text(fixture, COUNTS),
			    "authenticated|example.test|1|1 unverified||0|0");
	assert_int_equal(number(fixture, "SELECT change_number FROM account WHERE account_id = 1"),
			 1);
	assert_int_equal(number(fixture, "SELECT count(*) FROM pending_authentication"), 0);
}

static void what_proves_nothing_only_says_so(void **state)
{
	static const struct authentication failed = { .spf = { .result = AUTH_FAIL } };
	struct fixture *fixture = *state;
	struct filing *filing = commit_undecided(fixture, "m", "a@example.test");
	struct filing *after = ARENA_NEW(fixture->arena, struct filing);
	struct inbound *inbound = ARENA_NEW(fixture->arena, struct inbound);

	*after = *filing;
	*inbound = *filing->inbound;
	inbound->authentication = &failed;
	after->inbound = inbound;
	assert_true(apply(fixture->jobs, after));
	assert_string_equal(text(fixture,
				 "SELECT concat_ws('|', r.trust, e.trust, e.effect,"
				 " authentication->'spf'->>'result') FROM report r, event e"),
			    "unverified|unverified|none|fail");
	assert_string_equal(text(fixture, COUNTS), "unverified||1|0");
	assert_int_equal(number(fixture, "SELECT count(*) FROM suppression"), 0);
}

/* The same event by another way is the other report's: it gets the effect, once. */
static void an_event_of_another_report_is_left_to_it(void **state)
{
	struct fixture *fixture = *state;
	struct filing *first = commit_undecided(fixture, "by one way", "a@example.test");
	struct filing *second = undecided(fixture, "by another", "a@example.test");

	memcpy(second->events->key, first->events->key, SHA256_LEN);
	commit(fixture->committer, fixture->items, &second, 1);
	assert_int_equal(number(fixture, "SELECT count(*) FROM pending_authentication"), 2);
	assert_int_equal(number(fixture, "SELECT count(*) FROM event"), 1);

	assert_true(apply(fixture->jobs, decided(fixture, second)));
	assert_int_equal(number(fixture, "SELECT count(*) FROM suppression"), 0);
	assert_string_equal(text(fixture, COUNTS), "unverified||1|0");
	assert_true(apply(fixture->jobs, decided(fixture, first)));
	assert_int_equal(number(fixture, "SELECT count(*) FROM suppression"), 1);
	assert_string_equal(text(fixture, COUNTS),
			    "authenticated|example.test|1|1 unverified||0|0");
}

/* A report may name somebody twice: that was one event, and stays one. */
static void who_is_named_twice_has_one_event(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = undecided(fixture, "m", "a@example.test"), *after;
	struct filing_event *before = ARENA_ARRAY(fixture->arena, struct filing_event, 2);
	struct filing_event *later = ARENA_ARRAY(fixture->arena, struct filing_event, 2);

	before[0] = before[1] = *filing->events;
	before[1].id = uuid_v7(filing->inbound->received_at);
	filing->events = before;
	filing->event_count = 2;
	commit(fixture->committer, fixture->items, &filing, 1);
	assert_int_equal(number(fixture, "SELECT count(*) FROM event"), 1);

	after = decided(fixture, filing);
	later[0] = later[1] = *after->events;
	later[1].id = uuid_v7(filing->inbound->received_at);
	after->events = later;
	assert_true(apply(fixture->jobs, after));
	assert_string_equal(text(fixture, "SELECT string_agg(effect, ' ') FROM event"), "suppress");
	assert_string_equal(text(fixture, COUNTS),
			    "authenticated|example.test|1|1 unverified||0|0");
}

/* Whoever took an address off the list meant what had come until then. */
static void what_was_removed_since_stays_off(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = commit_undecided(fixture, "m", "a@example.test");

	database_run(
		fixture->database->pg,
		"INSERT INTO suppression (account_id, suppression_id, stream, address, address_key,"
		" ref, reason, origin, policy, evidence, can_reactivate, change_number, created_at,"
		" updated_at, removed_at) SELECT 1, gen_random_uuid(), 'marketing', '', "
		"address_key,"
		" '', '', 'complaint', '', '{\"removal\":{\"by\":\"key\"}}', false, 0,"
		" received_at, received_at, received_at + interval '1 second' FROM event");
	assert_true(apply(fixture->jobs, decided(fixture, filing)));
	assert_string_equal(
		text(fixture, "SELECT concat_ws('|', trust, effect, policy) FROM event"),
		"authenticated|none|removed/since");
	assert_int_equal(number(fixture, "SELECT count(*) FROM suppression"
					 " WHERE removed_at IS NOT NULL"),
			 1);
	assert_string_equal(text(fixture, COUNTS),
			    "authenticated|example.test|1|0 unverified||0|0");
}

static void what_was_removed_before_comes_back(void **state)
{
	static const char *const removals[] = {
		"removed_at = removed_at - interval '1 second'",
		"evidence = '{\"removal\":{\"by\":\"expiry\"}}', removed_at = now()",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < 2; i++) {
		const char *name = arena_printf(fixture->arena, "m%zu", i).ptr;
		struct filing *filing = commit_undecided(fixture, name, "a@example.test");

		database_run(
			fixture->database->pg,
			arena_printf(fixture->arena,
				     "DELETE FROM suppression; INSERT INTO suppression ("
				     "account_id, suppression_id, stream, address, address_key,"
				     " ref, reason, origin, policy, evidence, can_reactivate,"
				     " change_number, created_at, updated_at, removed_at)"
				     " SELECT 1, gen_random_uuid(), 'marketing', '',"
				     " 'a@example.test', '', '', 'manual', '', '{}', true, 0,"
				     " now(), now(), received_at FROM pending_authentication;"
				     " UPDATE suppression SET %s",
				     removals[i])
				.ptr);
		assert_true(apply(fixture->jobs, decided(fixture, filing)));
		assert_int_equal(number(fixture, "SELECT count(*) FROM suppression"
						 " WHERE removed_at IS NULL"),
				 1);
	}
}

static void a_failure_leaves_all_as_it_was(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = commit_undecided(fixture, "m", "a@example.test");
	bool applied = true;

	/* the last statement of the transaction */
	database_run(fixture->database->pg,
		     "ALTER TABLE suppression ADD CHECK (origin <> 'complaint')");
	assert_int_equal(pending_apply(fixture->jobs, decided(fixture, filing), &applied),
			 ERR_FATAL);
	assert_string_equal(text(fixture, "SELECT concat_ws('|', r.trust, e.trust, e.effect)"
					  " FROM report r, event e"),
			    "unverified|unverified|none");
	assert_string_equal(text(fixture, COUNTS), "unverified||1|0");
	assert_int_equal(number(fixture, "SELECT count(*) FROM pending_authentication"), 1);
	database_run(fixture->database->pg, "ALTER TABLE suppression DROP CONSTRAINT"
					    " suppression_origin_check");
	assert_true(apply(fixture->jobs, decided(fixture, filing)));
	assert_int_equal(number(fixture, "SELECT count(*) FROM suppression"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_pauses_grow),
		TEST(a_report_is_one_hosts_at_a_time),
		TEST(a_day_is_enough),
		TEST(what_is_forgotten_is_gone),
		TEST(a_report_is_filed_anew_once),
		TEST(what_proves_nothing_only_says_so),
		TEST(an_event_of_another_report_is_left_to_it),
		TEST(who_is_named_twice_has_one_event),
		TEST(what_was_removed_since_stays_off),
		TEST(what_was_removed_before_comes_back),
		TEST(a_failure_leaves_all_as_it_was),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
