/* SPDX-License-Identifier: Apache-2.0 */
/* What came in, read over HTTP: events, reports, raw messages, metrics; and what the service is
 * asked. */
#include "tests/db/api_client.h"

#include "tests/db/filings.h"

#define AT(answer, where) answer_at(fixture, answer, where)

/* Bounces of account 1 a second apart, the first one oldest. */
#define FILINGS 25

static struct filing *filings[FILINGS];

static int setup(void **state)
{
	struct commit_item items[FILINGS];
	struct committer *committer;
	struct fixture *fixture;

	fixture_setup(state);
	fixture = *state;
	for (int i = 0; i < FILINGS; i++) {
		const char *address = arena_printf(fixture->arena, "r%d@recipient.example", i).ptr;
		struct filing *filing = filing_bounce(
			fixture->arena,
			arena_printf(fixture->arena, "Subject: =x %d\r\n\r\nraw\r\n", i).ptr,
			address);
		struct report_recipient *recipient =
			ARENA_NEW(fixture->arena, struct report_recipient);
		int64_t at = time_now_ms() - (FILINGS - i) * 1000;

		*recipient = *filing->events->recipient;
		recipient->diagnostic = SLICE("<script>alert(1)</script>\xff\x1b[31m\xe2\x80\xae");
		if (i % 5 == 0) {
			recipient->reason = REASON_MAILBOXFULL;
			filing->events->effect = EFFECT_NONE;
			filing->events->ref = SLICE("r/5");
			filing->events->campaign = 9;
		}
		filing->events->recipient = recipient;
		filing->events->id = uuid_v7(at);
		filing->report_id = uuid_v7(at);
		((struct inbound *)(uintptr_t)filing->inbound)->received_at = at;
		filings[i] = filing;
	}
	committer = committer_new(database_dsn_as(fixture->database, "bounced_ingest"), 1, true);
	commit(committer, items, filings, FILINGS);
	for (int i = 0; i < FILINGS; i++)
		assert_int_equal(items[i].outcome, COMMIT_DONE);
	committer_free(committer);
	return 0;
}

static const char *id_text(struct fixture *fixture, const struct uuid *uuid)
{
	char *text = arena_alloc(fixture->arena, UUID_TEXT_LEN + 1);

	uuid_format(uuid, text);
	return text;
}

static const char *time_text(struct fixture *fixture, int64_t at)
{
	char *text = arena_alloc(fixture->arena, TIME_TEXT_LEN + 1);

	time_format_rfc3339(at, text);
	return text;
}

static size_t count(struct fixture *fixture, const char *target)
{
	struct answer answer = get(fixture, target);

	assert_status(answer, 200);
	return answer_count(answer);
}

static void test_one_event(void **state)
{
	struct fixture *fixture = *state;
	const char *id = id_text(fixture, &filings[1]->events->id);
	struct answer answer = get(fixture, arena_printf(fixture->arena, "/v1/events/%s", id).ptr);

	assert_status(answer, 200);
	assert_string_equal(AT(answer, "/id"), id);
	assert_string_equal(AT(answer, "/report_id"), id_text(fixture, &filings[1]->report_id));
	assert_string_equal(AT(answer, "/received_at"),
			    time_text(fixture, filings[1]->inbound->received_at));
	assert_string_equal(AT(answer, "/kind"), "bounce");
	assert_string_equal(AT(answer, "/trust"), "verified");
	assert_string_equal(AT(answer, "/address"), "r1@recipient.example");
	assert_string_equal(AT(answer, "/ref"), "42");
	assert_string_equal(AT(answer, "/campaign"), "7");
	assert_string_equal(AT(answer, "/status"), "5.1.1");
	assert_string_equal(AT(answer, "/reason"), "userunknown");
	assert_string_equal(AT(answer, "/severity"), "hard");
	assert_string_equal(AT(answer, "/class"), "recipient");
	assert_string_equal(AT(answer, "/rule"), "status/5.1.1");
	assert_string_equal(AT(answer, "/effect"), "suppress");
	assert_string_equal(AT(answer, "/feedback_type"), "null");
	/* Written by strangers: valid UTF-8, and nothing that a terminal would obey. */
	assert_true(slice_find(answer.body,
			       SLICE("<script>alert(1)</script>\xef\xbf\xbd\\u001b[31m\\u202e")) >
		    0);

	answer = get(fixture,
		     arena_printf(fixture->arena, "/v1/events/%s?vocabulary=sparkpost", id).ptr);
	assert_string_equal(AT(answer, "/sparkpost_class"), "10");
	assert_string_equal(AT(answer, "/sparkpost_detail"), "Invalid Recipient");

	assert_status(get(fixture, "/v1/events/01900000-0000-7000-8000-000000000000"), 404);
	assert_status(get(fixture, "/v1/events/nonsense"), 404);
	/* A report's id is no event's. */
	assert_status(get(fixture, arena_printf(fixture->arena, "/v1/events/%s",
						id_text(fixture, &filings[1]->report_id))
					   .ptr),
		      404);
}

static void test_event_filters(void **state)
{
	struct fixture *fixture = *state;
	const char *from = time_text(fixture, filings[5]->inbound->received_at);
	const char *to = time_text(fixture, filings[8]->inbound->received_at);

	assert_int_equal(count(fixture, "/v1/events"), FILINGS);
	assert_int_equal(count(fixture, "/v1/events?address=R3@Recipient.example."), 1);
	assert_int_equal(count(fixture, "/v1/events?ref=r/5"), 5);
	assert_int_equal(count(fixture, "/v1/events?reason=mailboxfull"), 5);
	assert_int_equal(count(fixture, "/v1/events?class=recipient&kind=bounce"), FILINGS);
	assert_int_equal(count(fixture, "/v1/events?kind=complaint"), 0);
	assert_int_equal(count(fixture, "/v1/events?campaign=9&reason=userunknown"), 0);
	assert_int_equal(count(fixture, "/v1/events?campaign=9"), 5);
	/* From is inclusive, to exclusive. */
	assert_int_equal(
		count(fixture,
		      arena_printf(fixture->arena, "/v1/events?from=%s&to=%s", from, to).ptr),
		3);
	assert_problem(fixture, get(fixture, "/v1/events?kind=bounces"), 400, "invalid_parameter",
		       "kind");
	assert_problem(fixture, get(fixture, "/v1/events?address=r1"), 400, "invalid_parameter",
		       "address");
	assert_problem(fixture, get(fixture, "/v1/events?campaign=-1"), 400, "invalid_parameter",
		       "campaign");
	assert_problem(fixture, get(fixture, "/v1/events?ref="), 400, "invalid_parameter", "ref");
}

static void test_events_in_other_words(void **state)
{
	struct fixture *fixture = *state;
	struct answer answer =
		get(fixture, "/v1/events?reason=mailboxfull&limit=1&vocabulary=postmark");

	assert_status(answer, 200);
	assert_string_equal(AT(answer, "/results/0/postmark_class"), "SoftBounce");
	assert_string_equal(AT(answer, "/results/0/postmark_detail"), "4096");
	/* The next page speaks the same. */
	answer = get(fixture, AT(answer, "/links/next"));
	assert_string_equal(AT(answer, "/results/0/postmark_class"), "SoftBounce");
	answer = get_as(fixture, "/v1/events?vocabulary=ses", "text/csv");
	assert_status(answer, 200);
	assert_true(slice_find(answer.body, SLICE(",\"ses_class\",\"ses_detail\"\r\n")) > 0);
	assert_problem(fixture, get(fixture, "/v1/events?vocabulary=SES"), 400, "invalid_parameter",
		       "vocabulary");
}

static void test_event_pages(void **state)
{
	struct fixture *fixture = *state;
	const char *next = "/v1/events?kind=bounce&limit=10";
	size_t seen = 0;

	/* Newest first, none twice, none left out; the last page may be exactly full. */
	while (strcmp(next, "null") != 0) {
		struct answer answer = get(fixture, next);

		assert_status(answer, 200);
		for (size_t i = 0; i < answer_count(answer); i++, seen++)
			assert_string_equal(
				AT(answer, arena_printf(fixture->arena, "/results/%zu/id", i).ptr),
				id_text(fixture, &filings[FILINGS - 1 - seen]->events->id));
		next = AT(answer, "/links/next");
	}
	assert_int_equal(seen, FILINGS);
	assert_string_equal(AT(get(fixture, "/v1/events?limit=25"), "/links/next"), "null");
}

static void test_report(void **state)
{
	struct fixture *fixture = *state;
	const char *id = id_text(fixture, &filings[2]->report_id);
	struct answer answer = get(fixture, arena_printf(fixture->arena, "/v1/reports/%s", id).ptr);

	assert_status(answer, 200);
	assert_string_equal(AT(answer, "/id"), id);
	assert_string_equal(AT(answer, "/kind"), "bounce");
	assert_string_equal(AT(answer, "/format"), "rfc3464");
	assert_string_equal(AT(answer, "/trust"), "verified");
	assert_string_equal(AT(answer, "/envelope/peer"), "192.0.2.1");
	assert_string_equal(AT(answer, "/envelope/recipients/0"), "b-token@bounce.example");
	assert_string_equal(AT(answer, "/recipients/0/status"), "5.1.1");
	assert_true(slice_find(answer.body, SLICE("ses_class")) < 0);
	assert_string_equal(AT(answer, "/events/0"), id_text(fixture, &filings[2]->events->id));
	answer =
		get(fixture, arena_printf(fixture->arena, "/v1/reports/%s?vocabulary=ses", id).ptr);
	assert_status(answer, 200);
	assert_string_equal(AT(answer, "/format"), "rfc3464");
	assert_string_equal(AT(answer, "/recipients/0/status"), "5.1.1");
	assert_string_equal(AT(answer, "/recipients/0/ses_class"), "Permanent");
	assert_string_equal(AT(answer, "/recipients/0/ses_detail"), "General");
	assert_status(get(fixture, "/v1/reports/01900000-0000-7000-8000-000000000000"), 404);
	assert_status(get(fixture, "/v1/reports/nonsense"), 404);
}

static void test_raw(void **state)
{
	struct fixture *fixture = *state;
	const char *id = id_text(fixture, &filings[2]->report_id);
	const char *target = arena_printf(fixture->arena, "/v1/reports/%s/raw", id).ptr;
	struct answer answer = get(fixture, target);

	assert_status(answer, 200);
	assert_true(slice_equal(answer.body, SLICE("Subject: =x 2\r\n\r\nraw\r\n")));
	assert_true(slice_equal(answer_header(&answer, "Content-Type"),
				SLICE("application/octet-stream")));
	assert_true(
		slice_equal(answer_header(&answer, "Content-Disposition"),
			    arena_printf(fixture->arena, "attachment; filename=\"%s.eml\"", id)));
	assert_true(slice_find(answer_header(&answer, "Content-Security-Policy"),
			       SLICE("sandbox")) >= 0);
	assert_true(
		slice_equal(answer_header(&answer, "X-Content-Type-Options"), SLICE("nosniff")));
	answer = ask(fixture, &(struct ask){ fixture->key, "HEAD", target, NULL, NULL, NULL });
	assert_status(answer, 200);
	assert_true(slice_equal(answer_header(&answer, "Content-Length"), SLICE("22")));
	/* Retention may have taken it. */
	database_run(fixture->database->pg, "DELETE FROM report_raw");
	assert_status(get(fixture, target), 404);
}

static void test_metrics(void **state)
{
	struct fixture *fixture = *state;
	static const char BY_DAY[] = "/v1/metrics?from=2020-01-01&to=2100-01-01&interval=day";
	int64_t events = 0, suppressed = 0;
	struct answer answer;

	answer = get(fixture,
		     arena_printf(fixture->arena, "%s&group_by=reason,campaign", BY_DAY).ptr);
	assert_status(answer, 200);
	for (size_t i = 0; i < answer_count(answer); i++) {
		const char *row = arena_printf(fixture->arena, "/results/%zu", i).ptr;
		const char *reason = AT(answer, arena_printf(fixture->arena, "%s/reason", row).ptr);
		const char *campaign =
			AT(answer, arena_printf(fixture->arena, "%s/campaign", row).ptr);

		assert_string_equal(campaign, strcmp(reason, "mailboxfull") == 0 ? "9" : "7");
		events += atoll(AT(answer, arena_printf(fixture->arena, "%s/events", row).ptr));
		suppressed +=
			atoll(AT(answer, arena_printf(fixture->arena, "%s/suppressed", row).ptr));
	}
	assert_int_equal(events, FILINGS);
	assert_int_equal(suppressed, FILINGS - 5);
	assert_int_equal(
		count(fixture, arena_printf(fixture->arena, "%s&reason=blocked", BY_DAY).ptr), 0);
	assert_int_equal(count(fixture, arena_printf(fixture->arena,
						     "%s&recipient_domain=EXAMPLE.test.", BY_DAY)
						.ptr) > 0,
			 true);
	assert_int_equal(count(fixture, "/v1/metrics?interval=hour&campaign=9") > 0, true);
	answer = get_as(fixture, "/v1/metrics?interval=hour&group_by=kind", "text/csv");
	assert_true(slice_starts_with(answer.body,
				      SLICE("\"time\",\"kind\",\"events\",\"suppressed\"\r\n")));
	assert_problem(fixture, get(fixture, "/v1/metrics?group_by=kind,nonsense"), 400,
		       "invalid_parameter", "group_by");
	assert_problem(fixture, get(fixture, "/v1/metrics?interval=week"), 400, "invalid_parameter",
		       "interval");
	assert_problem(fixture, get(fixture, "/v1/metrics?from=2026-01-02&to=2026-01-01"), 400,
		       "invalid_parameter", "from");
	assert_problem(fixture, get(fixture, "/v1/metrics?from=2020-01-01&interval=hour"), 400,
		       "invalid_parameter", "interval");
}

static void test_too_many_metrics(void **state)
{
	struct fixture *fixture = *state;

	database_run(fixture->database->pg,
		     "INSERT INTO rollup_hour SELECT 1, '2010-01-01Z', 0, 'bounce', '', '', 'none',"
		     " 'verified', 0, 'd' || n || '.example', 'other', 1, 0"
		     " FROM generate_series(1, 10001) AS n");
	assert_problem(
		fixture,
		get(fixture, "/v1/metrics?from=2010-01-01&to=2010-01-02&group_by=recipient_domain"),
		400, "too_many_rows", "group_by");
	assert_string_equal(
		AT(get(fixture, "/v1/metrics?from=2010-01-01&to=2010-01-02"), "/results/0/events"),
		"10001");
}

static struct answer post_message(struct fixture *fixture, const char *target, const char *body)
{
	return ask(fixture,
		   &(struct ask){ fixture->key, "POST", target, "message/rfc822", body, NULL });
}

static void test_submit(void **state)
{
	static const char ID[] = "01020304-0506-7008-8000-000000000000";
	struct fixture *fixture = *state;
	struct answer answer = post_message(fixture, "/v1/reports", "Subject: x\r\n\r\nbody\r\n");

	assert_status(answer, 201);
	assert_string_equal(AT(answer, "/id"), ID);
	assert_string_equal(AT(answer, "/duplicate"), "false");
	assert_true(slice_equal(answer_header(&answer, "Location"),
				arena_printf(fixture->arena, "/v1/reports/%s", ID)));
	assert_int_equal(fixture->submission.account_id, 1);
	assert_true(slice_equal(fixture->submission.raw, SLICE("Subject: x\r\n\r\nbody\r\n")));
	assert_true(slice_equal(fixture->submission.peer, SLICE("127.0.0.1")));
	answer = post_message(fixture, "/v1/reports", "again");
	assert_status(answer, 200);
	assert_string_equal(AT(answer, "/duplicate"), "true");
	assert_problem(fixture, post_message(fixture, "/v1/reports", "later"), 503, "unavailable",
		       "");
}

static void test_parse(void **state)
{
	struct fixture *fixture = *state;
	struct answer answer = post_message(fixture, "/v1/parse?explain=1", "someone@x.example");

	assert_status(answer, 200);
	assert_string_equal(AT(answer, "/kind"), "bounce");
	assert_string_equal(AT(answer, "/recipients/0/address"), "someone@x.example");
	assert_string_equal(AT(answer, "/trail/1"), "second");
	answer = post_message(fixture, "/v1/parse?vocabulary=kumomta", "someone@x.example");
	assert_string_equal(AT(answer, "/recipients/0/kumomta_class"), "InvalidRecipient");
	answer = post_message(fixture, "/v1/parse", "x");
	assert_true(slice_find(answer.body, SLICE("trail")) < 0);
	assert_problem(fixture, post_message(fixture, "/v1/parse?explain=yes", "x"), 400,
		       "invalid_parameter", "explain");
}

static void test_tokens(void **state)
{
	static const char ORDER[] =
		"{\"domain\":\"Bounce.Example\",\"tokens\":[{\"ref\":\"42\",\"campaign\":7,"
		"\"address\":\"a@x.example\"},{\"ref\":\"01020304-0506-7008-8000-000000000000\"},{}"
		"]}";
	struct fixture *fixture = *state;
	struct answer answer = send_json(fixture, "POST", "/v1/tokens", ORDER);
	const char *return_path, *feedback;
	struct answer decoded;

	assert_status(answer, 200);
	assert_int_equal(answer_count(answer), 3);
	return_path = AT(answer, "/results/0/return_path");
	assert_true(slice_ends_with(slice_from_cstr(return_path), SLICE("@bounce.example")));
	assert_true(slice_starts_with(slice_from_cstr(AT(answer, "/results/0/list_unsubscribe")),
				      SLICE("List-Unsubscribe: <mailto:b-")));
	assert_string_equal(AT(answer, "/results/0/list_unsubscribe_post"), "null");
	feedback = AT(answer, "/results/1/cfbl_feedback_id");
	assert_true(slice_starts_with(slice_from_cstr(feedback), SLICE("CFBL-Feedback-ID: b-")));

	decoded = send_json(
		fixture, "POST", "/v1/tokens/decode",
		arena_printf(fixture->arena,
			     "{\"tokens\":[\"%s\",\"%s\",\"SRS0=ab=cd=x.example=%.*s@f.example\","
			     "\"b-zz\",\"%.*sa@bounce.example\"]}",
			     return_path, feedback + 18,
			     (int)(strchr(return_path, '@') - return_path), return_path,
			     (int)(strchr(return_path, '@') - return_path) - 1, return_path)
			.ptr);
	assert_status(decoded, 200);
	assert_string_equal(AT(decoded, "/results/0/result"), "valid");
	assert_string_equal(AT(decoded, "/results/0/kind"), "bounce");
	assert_string_equal(AT(decoded, "/results/0/ref"), "42");
	assert_string_equal(AT(decoded, "/results/0/campaign"), "7");
	assert_string_equal(AT(decoded, "/results/0/commitment"), "true");
	assert_string_equal(AT(decoded, "/results/0/issued_on"), "2025-04-11T00:00:00.000Z");
	assert_string_equal(AT(decoded, "/results/1/kind"), "complaint");
	assert_string_equal(AT(decoded, "/results/1/ref"), "01020304-0506-7008-8000-000000000000");
	assert_string_equal(AT(decoded, "/results/2/result"), "valid");
	assert_string_equal(AT(decoded, "/results/3/result"), "malformed");
	assert_string_not_equal(AT(decoded, "/results/4/result"), "valid");
	assert_string_equal(AT(decoded, "/results/4/ref"), "null");

	decoded =
		ask(fixture,
		    &(struct ask){
			    fixture->other_key, "POST", "/v1/tokens/decode", NULL,
			    arena_printf(fixture->arena, "{\"tokens\":[\"%s\"]}", return_path).ptr,
			    NULL });
	assert_string_equal(AT(decoded, "/results/0/result"), "other_account");
	assert_string_equal(AT(decoded, "/results/0/ref"), "null");
}

static void test_bad_token_orders(void **state)
{
	static const struct {
		const char *body, *field;
	} ROWS[] = {
		{ "{}", "/tokens" },
		{ "{\"tokens\":[]}", "/tokens" },
		{ "{\"tokens\":[7]}", "/tokens/0" },
		{ "{\"tokens\":[{},{\"ref\":\"x\"}]}", "/tokens/1/ref" },
		{ "{\"tokens\":[{\"ref\":\"007\"}]}", "/tokens/0/ref" },
		{ "{\"tokens\":[{\"ref\":42}]}", "/tokens/0/ref" },
		{ "{\"tokens\":[{\"campaign\":-1}]}", "/tokens/0/campaign" },
		{ "{\"tokens\":[{\"address\":\"x\"}]}", "/tokens/0/address" },
		{ "{\"tokens\":[{\"adress\":\"x\"}]}", "/tokens/0/adress" },
		{ "{\"domain\":\"elsewhere.example\",\"tokens\":[{}]}", "/domain" },
		{ "{\"domain\":\"no domain\",\"tokens\":[{}]}", "/domain" },
		{ "{\"tokens\":[{\"campaign\":9223372036854775807}]}", "" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++)
		assert_problem(fixture, send_json(fixture, "POST", "/v1/tokens", ROWS[i].body), 400,
			       "invalid_body", ROWS[i].field);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_event),
		cmocka_unit_test(test_event_filters),
		cmocka_unit_test(test_events_in_other_words),
		cmocka_unit_test(test_event_pages),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_too_many_metrics),
		cmocka_unit_test(test_submit),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_bad_token_orders),
	};

	return cmocka_run_group_tests(tests, setup, fixture_teardown);
}
