/* SPDX-License-Identifier: Apache-2.0 */
/* The suppression list by hand: put, get, list, check, delete, and the numbers that changes take.
 */
#include "tests/db/api_client.h"

#include "core/limits.h"
#include "tests/db/filings.h"

#define PUT(target, body) send_json(fixture, "PUT", target, body)
#define CHECK(body)       send_json(fixture, "POST", "/v1/suppressions/check", body)
#define AT(answer, where) answer_at(fixture, answer, where)
#define NUMBER(query)     database_number(fixture->database, query)
#define CHANGES()         NUMBER("SELECT change_number FROM account WHERE account_id = 1")

static struct answer delete_(struct fixture *fixture, const char *target)
{
	return ask(fixture, &(struct ask){ fixture->key, "DELETE", target, NULL, NULL, NULL });
}

static struct answer put_plain(struct fixture *fixture, const char *target)
{
	return ask(fixture, &(struct ask){ fixture->key, "PUT", target, NULL, NULL, NULL });
}

static void file(struct fixture *fixture, struct filing *filing)
{
	struct committer *committer =
		committer_new(database_dsn_as(fixture->database, "bounced_ingest"), 1, true);
	struct commit_item item;

	commit(committer, &item, &filing, 1);
	assert_int_equal(item.outcome, COMMIT_DONE);
	committer_free(committer);
}

static void test_by_hand(void **state)
{
	struct fixture *fixture = *state;
	static const char PATH[] = "/v1/suppressions/Jane.Doe@Recipient.EXAMPLE";
	struct answer answer;
	int64_t before = CHANGES();

	assert_problem(fixture, get(fixture, PATH), 404, "not_suppressed", "");
	answer = PUT(PATH, "{\"note\":\"asked by phone\"}");
	assert_status(answer, 201);
	assert_string_equal(AT(answer, "/address"), "Jane.Doe@Recipient.EXAMPLE");
	assert_string_equal(AT(answer, "/stream"), "all");
	assert_string_equal(AT(answer, "/reason"), "manual");
	assert_string_equal(AT(answer, "/origin"), "manual");
	assert_string_equal(AT(answer, "/evidence/note"), "asked by phone");
	assert_string_equal(AT(answer, "/ref"), "null");
	assert_int_equal(atoll(AT(answer, "/change")), before + 1);

	/* The same again changes nothing; something else is a change. */
	assert_status(
		PUT("/v1/suppressions/jane.doe@recipient.example", "{\"note\":\"asked by phone\"}"),
		200);
	assert_int_equal(CHANGES(), before + 1);
	answer = PUT(PATH, "{\"reason\":\"suspend\",\"expires_at\":\"2090-01-01T00:00:00Z\"}");
	assert_status(answer, 200);
	assert_string_equal(AT(answer, "/reason"), "suspend");
	assert_string_equal(AT(answer, "/expires_at"), "2090-01-01T00:00:00.000Z");
	assert_int_equal(CHANGES(), before + 2);

	answer = get(fixture, "/v1/suppressions/%22Jane.Doe%22@recipient.example.");
	assert_status(answer, 200);
	assert_int_equal(answer_count(answer), 1);

	assert_status(delete_(fixture, PATH), 204);
	assert_int_equal(CHANGES(), before + 3);
	assert_status(get(fixture, PATH), 404);
	assert_status(delete_(fixture, PATH), 404);
	assert_int_equal(CHANGES(), before + 3);
	/* The row stays as a tombstone, and is taken into use again. */
	assert_int_equal(NUMBER("SELECT count(*) FROM suppression WHERE removed_at IS NOT NULL"
				" AND evidence->'removal'->>'by' IS NOT NULL"),
			 1);
	assert_status(put_plain(fixture, PATH), 201);
	assert_int_equal(NUMBER("SELECT count(*) FROM suppression WHERE address_key ="
				" 'jane.doe@recipient.example'"),
			 1);
	assert_int_equal(CHANGES(), before + 4);
	assert_status(delete_(fixture, PATH), 204);
}

/* K is U+212A, KELVIN SIGN: a letter of its own. */
static void test_letters_are_not_folded(void **state)
{
	struct fixture *fixture = *state;

	assert_status(put_plain(fixture, "/v1/suppressions/%E2%84%AA@recipient.example"), 201);
	assert_status(get(fixture, "/v1/suppressions/k@recipient.example"), 404);
	assert_status(get(fixture, "/v1/suppressions/%E2%84%AA@Recipient.example"), 200);
	assert_status(delete_(fixture, "/v1/suppressions/%E2%84%AA@recipient.example"), 204);
}

static void test_streams(void **state)
{
	struct fixture *fixture = *state;
	static const char PATH[] = "/v1/suppressions/streams@recipient.example";
	static const char MARKETING[] =
		"/v1/suppressions/streams@recipient.example?stream=marketing";
	int64_t before;

	assert_status(put_plain(fixture, MARKETING), 201);
	assert_status(put_plain(fixture, PATH), 201);
	assert_int_equal(answer_count(get(fixture, PATH)), 2);
	assert_int_equal(answer_count(get(fixture, MARKETING)), 1);
	assert_status(
		get(fixture, "/v1/suppressions/streams@recipient.example?stream=transactional"),
		404);
	assert_problem(fixture, get(fixture, "/v1/suppressions/streams@recipient.example?stream=x"),
		       400, "invalid_parameter", "stream");
	/* Both at once, each with a number of its own. */
	before = CHANGES();
	assert_status(delete_(fixture, PATH), 204);
	assert_int_equal(CHANGES(), before + 2);
	assert_status(get(fixture, PATH), 404);
}

static void test_refs(void **state)
{
	struct fixture *fixture = *state;
	struct answer answer = put_plain(fixture, "/v1/suppressions/ref:A%2F17");

	assert_status(answer, 201);
	assert_string_equal(AT(answer, "/ref"), "A/17");
	assert_string_equal(AT(answer, "/address"), "null");
	assert_status(put_plain(fixture, "/v1/suppressions/ref:A%2F17"), 200);
	assert_status(get(fixture, "/v1/suppressions/ref:A%2F17"), 200);
	assert_status(get(fixture, "/v1/suppressions/ref:A%2F18"), 404);
	assert_status(delete_(fixture, "/v1/suppressions/ref:A%2F17"), 204);
	assert_status(put_plain(fixture, "/v1/suppressions/ref:A%2F17"), 201);
}

static void test_what_a_report_put_there(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = filing_bounce(fixture->arena, "m1", "bounced@recipient.example");
	static const char PATH[] = "/v1/suppressions/bounced@recipient.example";
	struct answer answer;
	int64_t before;

	filing->events->ref = SLICE("bounced-1");
	file(fixture, filing);
	before = CHANGES();
	answer = PUT(PATH, "{\"note\":\"by hand as well\"}");
	assert_status(answer, 200);
	assert_string_equal(AT(answer, "/origin"), "bounce");
	assert_string_equal(AT(answer, "/evidence/diagnostic"), "550 5.1.1 no such user");
	/* The address is known by its ref too, and no second entry comes of that. */
	assert_status(put_plain(fixture, "/v1/suppressions/ref:bounced-1"), 200);
	assert_int_equal(CHANGES(), before);
	assert_status(delete_(fixture, "/v1/suppressions/ref:bounced-1"), 204);
	assert_status(get(fixture, PATH), 404);
}

static void test_complaints_need_consent(void **state)
{
	struct fixture *fixture = *state;
	static const char PATH[] = "/v1/suppressions/ref:complained-1";

	file(fixture, filing_complaint(fixture->arena, "m2", "complained-1"));
	assert_string_equal(AT(get(fixture, PATH), "/results/0/can_reactivate"), "false");
	assert_problem(fixture, delete_(fixture, PATH), 409, "consent_required", "consent");
	assert_status(get(fixture, PATH), 200);
	assert_problem(fixture, delete_(fixture, "/v1/suppressions/ref:complained-1?consent="), 400,
		       "invalid_parameter", "consent");
	assert_status(
		delete_(fixture, "/v1/suppressions/ref:complained-1?consent=wrote%20on%20Monday"),
		204);
	assert_status(get(fixture, PATH), 404);
	assert_int_equal(NUMBER("SELECT count(*) FROM suppression WHERE"
				" evidence->'removal'->>'consent' = 'wrote on Monday'"),
			 1);
}

static void test_expired_entries_are_gone(void **state)
{
	struct fixture *fixture = *state;
	static const char PATH[] = "/v1/suppressions/brief@recipient.example";

	assert_status(PUT(PATH, "{\"expires_at\":\"2090-01-01T00:00:00Z\"}"), 201);
	database_run(fixture->database->pg,
		     "UPDATE suppression SET expires_at = now() - interval '1 second'"
		     " WHERE address_key = 'brief@recipient.example'");
	assert_status(get(fixture, PATH), 404);
	assert_status(delete_(fixture, PATH), 404);
	assert_string_equal(
		AT(CHECK("{\"addresses\":[\"brief@recipient.example\"]}"), "/results/0/result"),
		"clear");
	assert_status(put_plain(fixture, PATH), 201);
	assert_status(get(fixture, PATH), 200);
}

static void test_bad_requests(void **state)
{
	struct fixture *fixture = *state;
	static const char PATH[] = "/v1/suppressions/bad@recipient.example";

	assert_problem(fixture, put_plain(fixture, "/v1/suppressions/nobody"), 400,
		       "invalid_address", "address");
	assert_problem(fixture, put_plain(fixture, "/v1/suppressions/ref:"), 400, "invalid_address",
		       "address");
	assert_problem(fixture, PUT(PATH, "[]"), 400, "invalid_body", "");
	assert_problem(fixture, PUT(PATH, "{\"a\":1,\"a\":2}"), 400, "invalid_json", "");
	assert_problem(fixture, PUT(PATH, "{\"nonsense\":1}"), 400, "invalid_body", "/nonsense");
	assert_problem(fixture, PUT(PATH, "{\"note\":1}"), 400, "invalid_body", "/note");
	assert_problem(fixture, PUT(PATH, "{\"reason\":\"because\"}"), 400, "invalid_body",
		       "/reason");
	assert_problem(fixture, PUT(PATH, "{\"expires_at\":\"tomorrow\"}"), 400, "invalid_body",
		       "/expires_at");
	assert_problem(fixture, PUT(PATH, "{\"expires_at\":\"2001-01-01T00:00:00Z\"}"), 400,
		       "invalid_body", "/expires_at");
	assert_problem(fixture, CHECK("{}"), 400, "invalid_body", "/addresses");
	assert_problem(fixture, CHECK("{\"addresses\":\"a@b.example\"}"), 400, "invalid_body",
		       "/addresses");
	assert_problem(fixture, CHECK("{\"addresses\":[\"a@b.example\",7]}"), 400, "invalid_body",
		       "/addresses/1");
	assert_problem(fixture, CHECK("{\"refs\":[\"\"]}"), 400, "invalid_body", "/refs/0");
	assert_problem(fixture, CHECK("{\"addresses\":[],\"stream\":\"news\"}"), 400,
		       "invalid_body", "/stream");
	assert_problem(fixture, get(fixture, "/v1/suppressions?limit=0"), 400, "invalid_parameter",
		       "limit");
	assert_problem(fixture, get(fixture, "/v1/suppressions?limit=10001"), 400,
		       "invalid_parameter", "limit");
	assert_problem(fixture, get(fixture, "/v1/suppressions?from=yesterday"), 400,
		       "invalid_parameter", "from");
	assert_problem(fixture, get(fixture, "/v1/suppressions?offset=10"), 400,
		       "invalid_parameter", "offset");
	/* What looks like SQL is a word like any other. */
	assert_problem(fixture, get(fixture, "/v1/suppressions?reason=x';DROP%20TABLE%20event--"),
		       400, "invalid_parameter", "reason");
	assert_status(get(fixture, "/v1/suppressions/ref:x';DROP%20TABLE%20event--"), 404);
}

static void test_check(void **state)
{
	struct fixture *fixture = *state;
	struct answer answer;
	char hash[HEX_LEN(SHA256_LEN) + 1] = { 0 };
	uint8_t digest[SHA256_LEN];

	sha256(SLICE("check@recipient.example"), digest);
	hex_encode(digest, sizeof(digest), hash);
	assert_status(
		put_plain(fixture, "/v1/suppressions/check@recipient.example?stream=marketing"),
		201);
	answer = CHECK(
		arena_printf(
			fixture->arena,
			"{\"addresses\":[\"Check@Recipient.example\",\"%s\",\"clear@x.example\","
			"\"nobody\"],\"refs\":[\"none\"]}",
			hash)
			.ptr);
	assert_status(answer, 200);
	assert_int_equal(answer_count(answer), 5);
	assert_string_equal(AT(answer, "/results/0/address"), "Check@Recipient.example");
	assert_string_equal(AT(answer, "/results/0/result"), "suppressed");
	assert_string_equal(AT(answer, "/results/0/mail"), "false");
	assert_string_equal(AT(answer, "/results/0/stream"), "marketing");
	assert_string_equal(AT(answer, "/results/0/origin"), "manual");
	assert_string_equal(AT(answer, "/results/1/result"), "suppressed");
	assert_string_equal(AT(answer, "/results/1/address"), hash);
	assert_string_equal(AT(answer, "/results/2/result"), "clear");
	assert_string_equal(AT(answer, "/results/2/mail"), "true");
	assert_string_equal(AT(answer, "/results/3/result"), "invalid");
	assert_string_equal(AT(answer, "/results/3/mail"), "false");
	assert_string_equal(AT(answer, "/results/4/ref"), "none");
	assert_string_equal(AT(answer, "/results/4/result"), "clear");

	/* An entry for one stream says nothing about mail of another. */
	answer =
		CHECK("{\"addresses\":[\"check@recipient.example\"],\"stream\":\"transactional\"}");
	assert_string_equal(AT(answer, "/results/0/mail"), "true");
	answer = CHECK("{\"addresses\":[\"check@recipient.example\"],\"stream\":\"marketing\"}");
	assert_string_equal(AT(answer, "/results/0/mail"), "false");
	assert_status(put_plain(fixture, "/v1/suppressions/check@recipient.example"), 201);
	answer =
		CHECK("{\"addresses\":[\"check@recipient.example\"],\"stream\":\"transactional\"}");
	assert_string_equal(AT(answer, "/results/0/stream"), "all");
}

static const char *many_addresses(struct fixture *fixture, unsigned count)
{
	struct buf out;
	const char *text;

	buf_init(&out, ANSWER_MAX);
	buf_append_cstr(&out, "{\"addresses\":[");
	for (unsigned i = 0; i < count; i++)
		buf_printf(&out, "%s\"many%u@recipient.example\"", i ? "," : "", i);
	buf_append_cstr(&out, "]}");
	text = arena_cstr(fixture->arena, buf_slice(&out));
	buf_done(&out);
	return text;
}

static void test_check_of_ten_thousand(void **state)
{
	struct fixture *fixture = *state;
	struct answer answer;

	assert_status(put_plain(fixture, "/v1/suppressions/many9999@recipient.example"), 201);
	answer = CHECK(many_addresses(fixture, LIMIT_CHECK_ADDRESSES));
	assert_status(answer, 200);
	assert_int_equal(answer_count(answer), LIMIT_CHECK_ADDRESSES);
	assert_string_equal(AT(answer, "/results/9998/result"), "clear");
	assert_string_equal(AT(answer, "/results/9999/address"), "many9999@recipient.example");
	assert_string_equal(AT(answer, "/results/9999/result"), "suppressed");
	assert_problem(fixture, CHECK(many_addresses(fixture, LIMIT_CHECK_ADDRESSES + 1)), 400,
		       "invalid_body", "/addresses");
}

/* The list goes on where it ended, though it changes meanwhile. */
static void test_pages(void **state)
{
	struct fixture *fixture = *state;
	const char *next = "/v1/suppressions?reason=filtered&limit=7";
	size_t count = 0, pages = 0;

	for (int i = 0; i < 20; i++)
		assert_status(
			PUT(arena_printf(fixture->arena, "/v1/suppressions/p%d@pages.example", i)
				    .ptr,
			    "{\"reason\":\"filtered\"}"),
			201);
	while (strcmp(next, "null") != 0) {
		struct answer answer = get(fixture, next);

		assert_status(answer, 200);
		for (size_t i = 0; i < answer_count(answer); i++, count++)
			assert_string_equal(
				AT(answer,
				   arena_printf(fixture->arena, "/results/%zu/address", i).ptr),
				arena_printf(fixture->arena, "p%zu@pages.example", count).ptr);
		if (pages++ == 0)
			assert_status(delete_(fixture, "/v1/suppressions/p0@pages.example"), 204);
		next = AT(answer, "/links/next");
	}
	assert_int_equal(count, 20);
	assert_int_equal(pages, 3);
}

static void test_cursors_are_bound(void **state)
{
	struct fixture *fixture = *state;
	const char *next = AT(get(fixture, "/v1/suppressions?limit=1"), "/links/next");
	const char *cursor = strstr(next, "cursor=") + 7;
	struct answer answer;

	assert_status(get(fixture, next), 200);
	answer = get(
		fixture,
		arena_printf(fixture->arena, "/v1/suppressions?stream=all&cursor=%s", cursor).ptr);
	assert_problem(fixture, answer, 400, "invalid_cursor", "cursor");
	answer = get(fixture, arena_printf(fixture->arena, "/v1/events?cursor=%s", cursor).ptr);
	assert_problem(fixture, answer, 400, "invalid_cursor", "cursor");
	answer = ask(fixture, &(struct ask){ fixture->other_key, "GET", next, NULL, NULL, NULL });
	assert_problem(fixture, answer, 400, "invalid_cursor", "cursor");
	answer = get(fixture, arena_printf(fixture->arena, "/v1/suppressions?cursor=%.*sAAAA",
					   (int)strlen(cursor) - 4, cursor)
				      .ptr);
	assert_problem(fixture, answer, 400, "invalid_cursor", "cursor");
}

/* Writers of one address at a time: each answered, one entry, no two with the same number. */
static void test_many_writers(void **state)
{
	struct fixture *fixture = *state;
	int fds[16];
	struct buf in;

	buf_init(&in, ANSWER_MAX);
	for (int i = 0; i < 16; i++) {
		struct slice request = arena_printf(
			fixture->arena,
			"%s /v1/suppressions/race@recipient.example HTTP/1.1\r\nHost: a\r\n"
			"Authorization: Bearer %s\r\nConnection: close\r\nContent-Length: "
			"%d\r\n%s\r\n%s",
			i % 4 == 3 ? "DELETE" : "PUT", fixture->key, i % 4 == 3 ? 0 : 13,
			i % 4 == 3 ? "" : "Content-Type: application/json\r\n",
			i % 4 == 3
				? ""
				: arena_printf(fixture->arena, "{\"note\":\"%c\"} ", 'a' + i).ptr);

		fds[i] = client_connect(fixture);
		client_send(fds[i], request);
	}
	for (int i = 0; i < 16; i++) {
		buf_reset(&in);
		while (client_receive(fds[i], &in, CLIENT_PATIENCE_MS) > 0)
			;
		close(fds[i]);
		/* 200, 201, 204 or 404, as they happen to follow one another */
		if (slice_find(buf_slice(&in), SLICE(" 5")) == 8 || in.len == 0 ||
		    slice_find(buf_slice(&in), SLICE(" 400 ")) >= 0)
			fail_msg("%.*s", SLICE_ARG(buf_slice(&in)));
	}
	buf_done(&in);
	assert_int_equal(NUMBER("SELECT count(*) FROM suppression WHERE address_key ="
				" 'race@recipient.example'"),
			 1);
	assert_true(NUMBER("SELECT max(change_number) FROM suppression WHERE account_id = 1") <=
		    CHANGES());
}

static void test_list_formats(void **state)
{
	struct fixture *fixture = *state;
	struct answer answer;

	assert_status(PUT("/v1/suppressions/=cmd@formula.example",
			  "{\"reason\":\"virusdetected\",\"note\":\"a\\u0085b\"}"),
		      201);
	answer = get_as(fixture, "/v1/suppressions?reason=virusdetected", "text/csv");
	assert_status(answer, 200);
	assert_true(
		slice_starts_with(answer.body, SLICE("\"id\",\"address\",\"ref\",\"stream\",")));
	assert_true(slice_find(answer.body, SLICE(",\"'=cmd@formula.example\",")) > 0);
	answer = get_as(fixture, "/v1/suppressions?reason=virusdetected&csv_safe=0", "text/csv");
	assert_true(slice_find(answer.body, SLICE(",\"=cmd@formula.example\",")) > 0);
	answer = get_as(fixture, "/v1/suppressions?limit=1", "application/x-ndjson");
	assert_status(answer, 200);
	assert_int_equal(slice_find_byte(answer.body, '\n'), answer.body.len - 1);
	assert_true(slice_starts_with(answer_header(&answer, "Link"),
				      SLICE("</v1/suppressions?limit=1&cursor=")));
	/* What the database keeps as a raw control character leaves as an escape. */
	answer = get(fixture, "/v1/suppressions?reason=virusdetected");
	assert_true(slice_find(answer.body, SLICE("a\\u0085b")) > 0);
	assert_status(get_as(fixture, "/v1/suppressions", "image/png"), 406);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_letters_are_not_folded),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_refs),
		cmocka_unit_test(test_what_a_report_put_there),
		cmocka_unit_test(test_complaints_need_consent),
		cmocka_unit_test(test_expired_entries_are_gone),
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_check_of_ten_thousand),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_cursors_are_bound),
		cmocka_unit_test(test_many_writers),
		cmocka_unit_test(test_list_formats),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
