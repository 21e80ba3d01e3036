/* SPDX-License-Identifier: Apache-2.0 */
/* The acknowledgment: what becomes durable, what counts once, what suppresses. */
#include "tests/db/filings.h"

#include <string.h>

#include "core/encoding.h"
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
		committer_new(database_dsn_as(fixture->database, "bounced_ingest"), 3, false);
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

static void commit_one(struct fixture *fixture, struct filing *filing)
{
	commit(fixture->committer, fixture->items, &filing, 1);
}

static int64_t rows(struct fixture *fixture, const char *query)
{
	return database_number(fixture->database, query);
}

static const char *text(struct fixture *fixture, const char *query)
{
	return database_text(fixture->database, query);
}

static void one_report_is_stored_whole(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = filing_bounce(fixture->arena, "raw\r\n", "a@example.test");

	commit_one(fixture, filing);
	assert_int_equal(fixture->items[0].outcome, COMMIT_DONE);
	assert_false(fixture->items[0].stored_raw);
	assert_false(filing->duplicate);
	assert_memory_equal(&filing->committed_id, &filing->report_id, sizeof(struct uuid));

	assert_string_equal(
		text(fixture, "SELECT concat_ws('|', r.kind, r.format, r.trust, r.source, r.peer,"
			      " r.recipients, r.size, detail->'recipients'->0->>'status',"
			      " convert_from(raw, 'UTF8')) FROM report r"
			      " JOIN report_raw USING (account_id, report_id, received_at)"),
		"bounce|rfc3464|verified|smtp|192.0.2.1|{b-token@bounce.example}|5|5.1.1|raw\r\n");
	assert_string_equal(text(fixture,
				 "SELECT concat_ws('|', kind, class, reason, severity, trust, late,"
				 " attributed, address, address_key, ref, campaign, status,"
				 " reply_code, rule, effect, policy) FROM event"),
			    "bounce|recipient|userunknown|hard|verified|f|t|a@example.test|"
			    "a@example.test|42|7|5.1.1|550|status/5.1.1|suppress|default/hard");
	assert_string_equal(text(fixture,
				 "SELECT concat_ws('|', hour = date_trunc('hour', received_at,"
				 " 'UTC'), slot, h.kind, h.reason, h.provider, events, suppressed)"
				 " FROM rollup_hour h, event"),
			    "t|3|bounce|userunknown|other|1|1");
	assert_string_equal(text(fixture,
				 "SELECT concat_ws('|', stream, s.address_key, s.ref, s.reason,"
				 " origin, s.policy, can_reactivate, s.change_number,"
				 " evidence->>'diagnostic', evidence->>'event_id' = event_id::text,"
				 " a.change_number, s.created_at = received_at)"
				 " FROM suppression s, event, account a WHERE a.account_id = 1"),
			    "all|a@example.test|42|userunknown|bounce|default/hard|t|1|"
			    "550 5.1.1 no such user|t|1|t");
}

static void a_full_batch_is_one_transaction(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filings[LIMIT_BATCH_MESSAGES];

	for (int i = 0; i < LIMIT_BATCH_MESSAGES; i++)
		filings[i] = filing_bounce(
			fixture->arena, arena_printf(fixture->arena, "message %d", i).ptr,
			arena_printf(fixture->arena, "u%02d@example.test", i).ptr);
	commit(fixture->committer, fixture->items, filings, LIMIT_BATCH_MESSAGES);
	for (int i = 0; i < LIMIT_BATCH_MESSAGES; i++) {
		assert_int_equal(fixture->items[i].outcome, COMMIT_DONE);
		assert_memory_equal(&filings[i]->committed_id, &filings[i]->report_id,
				    sizeof(struct uuid));
	}
	assert_int_equal(rows(fixture, "SELECT count(*) FROM report"), LIMIT_BATCH_MESSAGES);
	assert_int_equal(rows(fixture, "SELECT count(DISTINCT xmin::text) FROM report"), 1);
	assert_int_equal(rows(fixture, "SELECT events FROM rollup_hour"), LIMIT_BATCH_MESSAGES);
	assert_int_equal(rows(fixture, "SELECT count(DISTINCT change_number) FROM suppression"
				       " WHERE change_number BETWEEN 1 AND 64"),
			 LIMIT_BATCH_MESSAGES);
}

static void equal_messages_in_one_batch_count_once(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filings[3] = {
		filing_bounce(fixture->arena, "same", "a@example.test"),
		filing_bounce(fixture->arena, "other", "b@example.test"),
		filing_bounce(fixture->arena, "same", "a@example.test"),
	};

	commit(fixture->committer, fixture->items, filings, 3);
	assert_int_equal(fixture->items[2].outcome, COMMIT_DONE);
	assert_false(filings[0]->duplicate);
	assert_true(filings[2]->duplicate);
	assert_memory_equal(&filings[2]->committed_id, &filings[0]->report_id, sizeof(struct uuid));
	assert_int_equal(rows(fixture, "SELECT count(*) FROM report"), 2);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM event"), 2);
	assert_int_equal(rows(fixture, "SELECT sum(events) FROM rollup_hour"), 2);
}

static void the_same_message_again_names_the_first_report(void **state)
{
	struct fixture *fixture = *state;
	struct filing *first = filing_bounce(fixture->arena, "same", "a@example.test");
	struct filing *again = filing_bounce(fixture->arena, "same", "a@example.test");
	struct filing *foreign = filing_bounce(fixture->arena, "same", "a@example.test");

	commit_one(fixture, first);
	commit_one(fixture, again);
	assert_int_equal(fixture->items[0].outcome, COMMIT_DONE);
	assert_true(again->duplicate);
	assert_memory_equal(&again->committed_id, &first->report_id, sizeof(struct uuid));
	assert_int_equal(rows(fixture, "SELECT count(*) FROM report_raw"), 1);
	assert_int_equal(rows(fixture, "SELECT sum(events) FROM rollup_hour"), 1);

	/* Another account's is another report. */
	foreign->account_id = 2;
	commit_one(fixture, foreign);
	assert_false(foreign->duplicate);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM event WHERE account_id = 2"), 1);
}

static void the_same_event_by_another_way_counts_once(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filings[2] = {
		filing_bounce(fixture->arena, "by one host", "a@example.test"),
		filing_bounce(fixture->arena, "by another host", "a@example.test"),
	};
	struct filing *late = filing_bounce(fixture->arena, "by a third", "a@example.test");

	commit(fixture->committer, fixture->items, filings, 2);
	commit_one(fixture, late);
	assert_false(filings[1]->duplicate);
	assert_false(late->duplicate);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM report"), 3);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM event"), 1);
	assert_int_equal(rows(fixture, "SELECT sum(events) FROM rollup_hour"), 1);
	assert_int_equal(rows(fixture, "SELECT change_number FROM account WHERE account_id = 1"),
			 1);
}

static void delivered_results_only_move_the_rollups(void **state)
{
	struct fixture *fixture = *state;
	struct filing *first = filing_bounce(fixture->arena, "one", "a@example.test");
	struct filing *kept = filing_bounce(fixture->arena, "two", "b@example.test");

	first->events->kind = kept->events->kind = REPORT_DELIVERED;
	first->events->effect = kept->events->effect = EFFECT_NONE;
	commit_one(fixture, first);
	assert_int_equal(rows(fixture, "SELECT events FROM rollup_hour WHERE kind = 'delivered'"),
			 1);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM event"), 0);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM suppression"), 0);

	database_run(fixture->database->pg, "UPDATE account SET keep_delivered = true");
	commit_one(fixture, kept);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM event"), 1);
}

static void a_report_without_events_is_stored(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = filing_bounce(fixture->arena, "nobody", "a@example.test");

	filing->event_count = 0;
	filing->recipient_count = 0;
	commit_one(fixture, filing);
	assert_int_equal(fixture->items[0].outcome, COMMIT_DONE);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM report WHERE recipients = '{}'"), 1);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM rollup_hour"), 0);
}

static void hostile_text_is_repaired(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = filing_bounce(fixture->arena, "x", "a@example.test");
	struct report_recipient *recipient = &filing->report->recipients[0];
	struct inbound *inbound = ARENA_NEW(fixture->arena, struct inbound);

	*inbound = *filing->inbound;
	inbound->helo = slice_from("a\0\xff", 3);
	inbound->raw =
		(struct buf){ .data = arena_cstr(fixture->arena, SLICE("r\0\xff")), .len = 3 };
	filing->inbound = inbound;
	recipient->diagnostic = slice_from("d\0\xed\xa0\x80", 5);
	filing->recipients[0] = SLICE("q\"u\\o,t{e}@bounce.example");
	commit_one(fixture, filing);
	assert_int_equal(fixture->items[0].outcome, COMMIT_DONE);
	assert_false(fixture->items[0].stored_raw);
	assert_string_equal(text(fixture, "SELECT helo FROM report"), "a\xef\xbf\xbd\xef\xbf\xbd");
	assert_string_equal(text(fixture, "SELECT recipients[1] FROM report"),
			    "q\"u\\o,t{e}@bounce.example");
	assert_string_equal(text(fixture, "SELECT diagnostic FROM event"),
			    "d\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	assert_string_equal(text(fixture, "SELECT encode(raw, 'hex') FROM report_raw"), "7200ff");
}

static void a_large_message_goes_out_in_pieces(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = filing_bounce(fixture->arena, "x", "a@example.test");
	struct inbound *inbound = ARENA_NEW(fixture->arena, struct inbound);
	uint8_t digest[SHA256_LEN];
	char hex[HEX_LEN(SHA256_LEN) + 1] = "";

	*inbound = *filing->inbound;
	inbound->raw.len = 2 * (size_t)LIMIT_MESSAGE_SIZE;
	inbound->raw.data = arena_alloc(fixture->arena, inbound->raw.len);
	for (size_t i = 0; i < inbound->raw.len; i++)
		inbound->raw.data[i] = (char)(i * i >> 7);
	sha256(buf_slice(&inbound->raw), digest);
	hex_encode(digest, sizeof(digest), hex);
	filing->inbound = inbound;

	/* More than the socket takes at once. */
	commit_begin(fixture->committer, fixture->items, &filing, 1);
	assert_true(committer_wants_write(fixture->committer));
	commit_finish(fixture->committer);
	assert_int_equal(fixture->items[0].outcome, COMMIT_DONE);
	assert_string_equal(text(fixture, "SELECT encode(sha256(raw), 'hex') FROM report_raw"),
			    hex);
}

/* -- suppressions -- */

static void a_ref_is_suppressed_where_the_address_is_unknown(void **state)
{
	struct fixture *fixture = *state;

	commit_one(fixture, filing_complaint(fixture->arena, "arf", "1001"));
	assert_string_equal(text(fixture, "SELECT concat_ws('|', address, address_key, ref, stream,"
					  " origin, reason, can_reactivate) FROM suppression"),
			    "||1001|marketing|complaint|complaint|f");
	/* Not the address, although the event names one. */
	struct filing *filing = filing_bounce(fixture->arena, "fwd", "a@example.test");
	filing->events->suppress_address = false;
	filing->events->ref = SLICE("1002");
	commit_one(fixture, filing);
	assert_string_equal(text(fixture, "SELECT concat_ws('|', address, address_key) FROM"
					  " suppression WHERE ref = '1002'"),
			    "|");
}

static void effects_that_do_not_act_change_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filings[3] = {
		filing_bounce(fixture->arena, "1", "a@example.test"),
		filing_bounce(fixture->arena, "2", "b@example.test"),
		filing_bounce(fixture->arena, "3", ""),
	};

	filings[0]->events->effect = EFFECT_NONE;
	filings[1]->events->effect = EFFECT_WOULD_SUPPRESS;
	filings[2]->events->ref = SLICE_NONE; /* nobody to suppress */
	commit(fixture->committer, fixture->items, filings, 3);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM event"), 3);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM suppression"), 0);
	assert_int_equal(rows(fixture, "SELECT change_number FROM account WHERE account_id = 1"),
			 0);
}

/* The same address once more, by an event of its own. */
static struct filing *next_event(struct fixture *fixture, const char *name, enum origin origin)
{
	struct filing *filing = filing_bounce(fixture->arena, name, "a@example.test");

	sha256(slice_from_cstr(name), filing->events->key);
	filing->events->origin = origin;
	return filing;
}

#define ENTRY                                                                              \
	"SELECT concat_ws('|', origin, change_number, can_reactivate, removed_at IS NULL)" \
	" FROM suppression"

static void a_live_entry_yields_only_to_a_stronger_origin(void **state)
{
	struct fixture *fixture = *state;

	commit_one(fixture, next_event(fixture, "1", ORIGIN_BOUNCE));
	assert_string_equal(text(fixture, ENTRY), "bounce|1|t|t");
	/* What changes nothing takes a number that stays unused. */
	commit_one(fixture, next_event(fixture, "2", ORIGIN_BOUNCE));
	assert_string_equal(text(fixture, ENTRY), "bounce|1|t|t");
	commit_one(fixture, next_event(fixture, "3", ORIGIN_COMPLAINT));
	assert_string_equal(text(fixture, ENTRY), "complaint|3|f|t");
	commit_one(fixture, next_event(fixture, "4", ORIGIN_BOUNCE));
	commit_one(fixture, next_event(fixture, "5", ORIGIN_UNSUBSCRIBE));
	assert_string_equal(text(fixture, ENTRY), "complaint|3|f|t");
	assert_int_equal(rows(fixture, "SELECT count(*) FROM event"), 5);
}

static void the_strongest_of_one_batch_wins(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filings[3] = {
		next_event(fixture, "1", ORIGIN_BOUNCE),
		next_event(fixture, "2", ORIGIN_UNSUBSCRIBE),
		next_event(fixture, "3", ORIGIN_BOUNCE),
	};

	commit(fixture->committer, fixture->items, filings, 3);
	assert_string_equal(text(fixture, ENTRY), "unsubscribe|1|f|t");
}

static void tombstones_and_expired_entries_are_revived(void **state)
{
	struct fixture *fixture = *state;

	commit_one(fixture, next_event(fixture, "1", ORIGIN_BOUNCE));
	database_run(fixture->database->pg, "UPDATE suppression SET removed_at = now(),"
					    " change_number = 2;"
					    "UPDATE account SET change_number = 2");
	commit_one(fixture, next_event(fixture, "2", ORIGIN_BOUNCE));
	assert_string_equal(text(fixture, ENTRY), "bounce|3|t|t");

	database_run(fixture->database->pg, "UPDATE suppression SET expires_at = now()"
					    " - interval '1 day'");
	commit_one(fixture, next_event(fixture, "3", ORIGIN_BOUNCE));
	assert_string_equal(text(fixture, ENTRY), "bounce|4|t|t");
	assert_int_equal(rows(fixture, "SELECT count(*) FROM suppression WHERE expires_at IS NULL"),
			 1);
	commit_one(fixture, filing_complaint(fixture->arena, "4", "9"));
	database_run(fixture->database->pg, "UPDATE suppression SET removed_at = now()");
	commit_one(fixture, filing_complaint(fixture->arena, "5", "9"));
	assert_int_equal(rows(fixture, "SELECT count(*) FROM suppression WHERE ref = '9'"
				       " AND removed_at IS NULL AND change_number = 6"),
			 1);
}

static void streams_are_entries_of_their_own(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filings[2] = {
		next_event(fixture, "1", ORIGIN_BOUNCE),
		next_event(fixture, "2", ORIGIN_COMPLAINT),
	};

	filings[1]->events->stream = SLICE("marketing");
	commit(fixture->committer, fixture->items, filings, 2);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM suppression"), 2);
	assert_int_equal(rows(fixture, "SELECT change_number FROM account WHERE account_id = 1"),
			 2);
}

/* Reports with one token that differ in everything: each is recorded, the first has an effect. */
static void an_effect_happens_once(void **state)
{
	static const char *const texts[] = { "first", "second", "third" };
	struct fixture *fixture = *state;
	struct filing *filings[3];

	for (size_t i = 0; i < 3; i++) {
		filings[i] = filing_bounce(fixture->arena, texts[i], "once@example.test");
		sha256(slice_from_cstr(texts[i]), filings[i]->events->key);
		filings[i]->events->once = true;
		sha256(SLICE("token, recipient"), filings[i]->events->effect_key);
	}
	commit(fixture->committer, fixture->items, filings, 2);
	database_run(fixture->database->pg, "UPDATE suppression SET removed_at = now()");
	commit_one(fixture, filings[2]);
	assert_false(filings[0]->duplicate || filings[1]->duplicate || filings[2]->duplicate);
	assert_string_equal(text(fixture,
				 "SELECT string_agg(effect || ' ' || policy, ',' ORDER BY effect)"
				 " FROM event"),
			    "none cap/token,none cap/token,suppress default/hard");
	assert_int_equal(rows(fixture, "SELECT sum(events) FROM rollup_hour"), 3);
	assert_int_equal(rows(fixture, "SELECT sum(suppressed) FROM rollup_hour"), 1);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM suppression"
				       " WHERE removed_at IS NOT NULL"),
			 1);
	assert_int_equal(rows(fixture, "SELECT count(*) FROM event_key"), 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_report_is_stored_whole),
		TEST(a_full_batch_is_one_transaction),
		TEST(equal_messages_in_one_batch_count_once),
		TEST(the_same_message_again_names_the_first_report),
		TEST(the_same_event_by_another_way_counts_once),
		TEST(delivered_results_only_move_the_rollups),
		TEST(a_report_without_events_is_stored),
		TEST(hostile_text_is_repaired),
		TEST(a_large_message_goes_out_in_pieces),
		TEST(a_ref_is_suppressed_where_the_address_is_unknown),
		TEST(effects_that_do_not_act_change_nothing),
		TEST(a_live_entry_yields_only_to_a_stronger_origin),
		TEST(the_strongest_of_one_batch_wins),
		TEST(tombstones_and_expired_entries_are_revived),
		TEST(streams_are_entries_of_their_own),
		TEST(an_effect_happens_once),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
