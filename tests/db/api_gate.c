/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real server on a real socket: what two readers could understand differently is answered with
 * 4xx or 5xx and cut off, and nothing that was smuggled behind it is executed.
 */
#include "tests/db/api_client.h"

/* Would be answered 200 if anybody took it for a request. */
#define SMUGGLED "GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n"
#define HOST     "Host: api.example\r\n"

static const struct {
	struct slice bytes;
	unsigned status; /* 0: what the library itself refuses, in words of its own */
	const char *why;
} ROWS[] = {
#define ROW(text, status, why)                   \
	{                                        \
		SLICE_LITERAL(text), status, why \
	}
	ROW("POST /v1/parse HTTP/1.1\r\n" HOST
	    "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED,
	    400, "Content-Length beside Transfer-Encoding"),
	ROW("POST /v1/parse HTTP/1.1\r\n" HOST
	    "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" SMUGGLED,
	    400, "the other way round"),
	ROW("POST /v1/parse HTTP/1.1\r\n" HOST
	    "Content-Length: 0\r\nContent-Length: 47\r\n\r\n" SMUGGLED,
	    400, "two lengths"),
	ROW("POST /v1/parse HTTP/1.1\r\n" HOST
	    "Content-Length: 0\r\nContent-Length: 0\r\n\r\n" SMUGGLED,
	    400, "two equal lengths"),
	ROW("POST /v1/parse HTTP/1.1\r\n" HOST "Content-Length: +4\r\n\r\nabcd" SMUGGLED, 0,
	    "sign"),
	ROW("POST /v1/parse HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n" SMUGGLED, 0,
	    "negative"),
	ROW("POST /v1/parse HTTP/1.1\r\n" HOST "Content-Length: 4,4\r\n\r\nabcd" SMUGGLED, 0,
	    "list"),
	ROW("POST /v1/parse HTTP/1.1\r\n" HOST
	    "Content-Length: 75557863725914323419136\r\n\r\n" SMUGGLED,
	    0, "2^76"),
	ROW("POST /v1/parse HTTP/1.1\r\n" HOST
	    "Content-Length: 5\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" SMUGGLED,
	    400, "space before the colon"),
	ROW("POST /v1/parse HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n" SMUGGLED, 501,
	    "unknown coding"),
	ROW("POST /v1/parse HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n" SMUGGLED,
	    501, "two codings"),
	ROW("POST /v1/parse HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n" SMUGGLED, 501,
	    "identity"),
	ROW("POST /v1/parse HTTP/1.1\r\n" HOST
	    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" SMUGGLED,
	    400, "two Transfer-Encodings"),
	ROW("POST /v1/parse HTTP/1.0\r\n" HOST
	    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED,
	    400, "chunked in HTTP/1.0"),
	ROW("GET /healthz HTTP/1.1\r\n" HOST "Host: other.example\r\n\r\n", 400, "two Hosts"),
	ROW("GET /healthz HTTP/1.1\r\n\r\n", 400, "no Host"),
	ROW("GET /healthz HTTP/1.1\r\n" HOST "X(y): z\r\n\r\n", 400,
	    "header name that is no token"),
	ROW("GET /healthz HTTP/1.1\r\n" HOST "X: a\x01z\r\n\r\n", 400, "control byte in a value"),
	ROW("GET http://api.example/healthz HTTP/1.1\r\n" HOST "\r\n", 400, "absolute form"),
	ROW("TRACE /healthz HTTP/1.1\r\n" HOST "\r\n", 405, "TRACE"),
	ROW("CONNECT api.example:443 HTTP/1.1\r\n" HOST "\r\n", 405, "CONNECT"),
	ROW("BREW /healthz HTTP/1.1\r\n" HOST "\r\n", 405, "unknown method"),
	ROW("GET /healthz%00 HTTP/1.1\r\n" HOST "\r\n", 400, "NUL behind a known path"),
	ROW("GET /healthz?x=%00 HTTP/1.1\r\n" HOST "\r\n", 400, "NUL in the query"),
	ROW("GET /x/%2e%2e/healthz HTTP/1.1\r\n" HOST "\r\n", 400, "escaped dot segments"),
	ROW("GET /x/../healthz HTTP/1.1\r\n" HOST "\r\n", 400, "dot segments"),
	ROW("GET //healthz HTTP/1.1\r\n" HOST "\r\n", 400, "empty segment"),
	ROW("GET /healthz/ HTTP/1.1\r\n" HOST "\r\n", 400, "slash at the end"),
	ROW("GET /%68ealthz HTTP/1.1\r\n" HOST "\r\n", 401, "another spelling is another path"),
	ROW("GET /healthz HTTP/2.0\r\n" HOST "\r\n", 0, "another version"),
	ROW("GET /healthz HTTP/1.9\r\n" HOST "\r\n", 505, "another version"),
	ROW("GET /healthz HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 400,
	    "GET with a body"),
	ROW("POST /v1/parse HTTP/1.1\r\n" HOST
	    "Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n" SMUGGLED,
	    0, "hexadecimal prefix"),
	ROW("POST /v1/parse HTTP/1.1\r\n" HOST
	    "Transfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n" SMUGGLED,
	    0, "negative chunk"),
	ROW("POST /v1/parse HTTP/1.1\r\n" HOST
	    "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\nabcde\r\n0\r\n\r\n" SMUGGLED,
	    0, "chunk size overflow"),
#undef ROW
};

/* All that comes until the server closes. */
static struct slice everything(struct fixture *fixture, struct slice bytes)
{
	int64_t give_up = time_monotonic_ms() + CLIENT_PATIENCE_MS;
	int fd = client_connect(fixture);
	struct slice text;
	struct buf in;

	buf_init(&in, ANSWER_MAX);
	client_send(fd, bytes);
	while (client_receive(fd, &in, 1000) >= 0)
		if (time_monotonic_ms() > give_up)
			fail_msg("stays open: %.*s", SLICE_ARG(slice_head(bytes, 200)));
	text = arena_copy(fixture->arena, buf_slice(&in));
	buf_done(&in);
	close(fd);
	return text;
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		if (ROWS[i].status == 0) {
			struct slice text = everything(*state, ROWS[i].bytes);

			if (slice_find(text, SLICE(" 200 OK")) >= 0)
				fail_msg("%s: %.*s", ROWS[i].why, SLICE_ARG(text));
			continue;
		}
		struct answer answer = exchange(*state, ROWS[i].bytes);

		if (!answer.closed)
			fail_msg("%s: the connection stays open", ROWS[i].why);
		if (answer.status != ROWS[i].status)
			fail_msg("%s: %u, not %u", ROWS[i].why, answer.status, ROWS[i].status);
	}
}

static void test_large_heads(void **state)
{
	struct fixture *fixture = *state;
	char *big = arena_alloc(fixture->arena, 200001);
	struct slice many = SLICE("GET /healthz HTTP/1.1\r\n" HOST);
	struct answer answer;

	memset(big, 'a', 40000);
	answer = exchange(fixture,
			  arena_printf(fixture->arena,
				       "GET /healthz HTTP/1.1\r\n" HOST "X: %s\r\n\r\n" SMUGGLED,
				       big));
	assert_true(answer.closed && (answer.status == 431 || answer.status == 413));
	memset(big, 'a', 200000);
	answer = exchange(fixture, arena_printf(fixture->arena,
						"GET /%s HTTP/1.1\r\n" HOST "\r\n" SMUGGLED, big));
	assert_true(answer.closed && answer.status >= 400);
	for (int i = 0; i < 200; i++)
		many = arena_printf(fixture->arena, "%.*sX-%d: 1\r\n", SLICE_ARG(many), i);
	answer = exchange(fixture, arena_printf(fixture->arena, "%.*s\r\n", SLICE_ARG(many)));
	assert_int_equal(answer.status, 431);
	assert_true(answer.closed);
}

/* What is well-formed passes, and its connection is kept. */
static void test_plain_requests(void **state)
{
	static const struct slice PLAIN[] = {
		SLICE_LITERAL("GET /healthz HTTP/1.1\r\n" HOST "\r\n"),
		SLICE_LITERAL("HEAD /healthz HTTP/1.1\r\n" HOST "\r\n"),
		SLICE_LITERAL("GET /readyz HTTP/1.1\r\n" HOST "Accept: */*\r\n\r\n"),
	};
	struct answer answer;

	for (size_t i = 0; i < sizeof(PLAIN) / sizeof(PLAIN[0]); i++) {
		answer = exchange(*state, PLAIN[i]);
		assert_status(answer, 200);
		assert_false(answer.closed);
		assert_true(slice_equal(answer_header(&answer, "X-Content-Type-Options"),
					SLICE("nosniff")));
		assert_true(
			slice_equal(answer_header(&answer, "Cache-Control"), SLICE("no-store")));
		assert_false(slice_empty(answer_header(&answer, "Content-Security-Policy")));
		assert_int_equal(answer_header(&answer, "Request-Id").len, 16);
	}
	answer = exchange(*state, SLICE("GET /healthz HTTP/1.0\r\n\r\n"));
	assert_status(answer, 200);
	answer = exchange(*state, SLICE("OPTIONS /v1/events HTTP/1.1\r\n" HOST
					"Origin: https://evil.example\r\n\r\n"));
	assert_status(answer, 204);
	assert_true(slice_empty(answer_header(&answer, "Access-Control-Allow-Origin")));
	assert_true(slice_equal(answer_header(&answer, "Allow"), SLICE("GET, HEAD")));
}

static struct slice post_head(struct fixture *fixture, const char *target, const char *fields)
{
	return arena_printf(fixture->arena,
			    "POST %s HTTP/1.1\r\n" HOST "Authorization: Bearer %s\r\n%s\r\n",
			    target, fixture->key, fields);
}

static void test_large_bodies_are_refused_before_they_come(void **state)
{
	struct fixture *fixture = *state;
	struct slice head = post_head(fixture, "/v1/parse",
				      "Content-Type: message/rfc822\r\nContent-Length: 100001\r\n");

	assert_problem(fixture, exchange(fixture, head), 413, "too_large", "");
	head = post_head(fixture, "/v1/suppressions/check",
			 "Content-Type: application/json\r\nContent-Length: 4194305\r\n");
	assert_problem(fixture, exchange(fixture, head), 413, "too_large", "");
}

static void test_chunked_bodies_are_counted(void **state)
{
	struct fixture *fixture = *state;
	struct slice head =
		post_head(fixture, "/v1/parse",
			  "Content-Type: message/rfc822\r\nTransfer-Encoding: chunked\r\n");
	char *chunk = arena_alloc(fixture->arena, 50001);
	struct answer answer;

	memset(chunk, 'x', 50000);
	answer = exchange(fixture, arena_printf(fixture->arena, "%.*sc350\r\n%s\r\n0\r\n\r\n",
						SLICE_ARG(head), chunk));
	assert_status(answer, 200);
	answer = exchange(fixture,
			  arena_printf(fixture->arena,
				       "%.*sc350\r\n%s\r\nc350\r\n%s\r\n1\r\ny\r\n0\r\n\r\n",
				       SLICE_ARG(head), chunk, chunk));
	assert_problem(fixture, answer, 413, "too_large", "");
	answer = exchange(fixture, arena_printf(fixture->arena, "%.*s0\r\n\r\n", SLICE_ARG(head)));
	assert_problem(fixture, answer, 400, "missing_body", "");
}

/* The answer arrives although the body was not wanted. */
static void test_refused_bodies_do_not_hide_the_answer(void **state)
{
	struct fixture *fixture = *state;
	char *body = arena_alloc(fixture->arena, 60001);
	struct answer answer;

	memset(body, 'x', 60000);
	answer = ask(fixture,
		     &(struct ask){ NULL, "POST", "/v1/reports", "message/rfc822", body, NULL });
	assert_problem(fixture, answer, 401, "unauthorized", "");
	answer = ask(fixture,
		     &(struct ask){ fixture->key, "POST", "/v1/reports", "text/html", body, NULL });
	assert_problem(fixture, answer, 415, "unsupported_media_type", "");
	answer =
		ask(fixture, &(struct ask){ fixture->key, "POST", "/v1/events", NULL, body, NULL });
	assert_problem(fixture, answer, 405, "method_not_allowed", "");
}

/* A head or a body that stops coming is dropped; others are served meanwhile. */
static void test_standing_connections_are_closed(void **state)
{
	struct fixture *fixture = *state;
	struct slice begun[] = {
		SLICE("GET /hea"),
		SLICE("GET /healthz HTTP/1.1\r\nX: "),
		post_head(fixture, "/v1/parse",
			  "Content-Type: message/rfc822\r\nContent-Length: 9\r\n"),
	};
	int64_t give_up = time_monotonic_ms() + CLIENT_PATIENCE_MS;
	struct buf in;
	int fds[3];

	buf_init(&in, 10000);
	for (size_t i = 0; i < 3; i++) {
		fds[i] = client_connect(fixture);
		client_send(fds[i], begun[i]);
	}
	assert_status(exchange(fixture, SLICE("GET /healthz HTTP/1.1\r\n" HOST "\r\n")), 200);
	for (size_t i = 0; i < 3; i++) {
		while (client_receive(fds[i], &in, 1000) >= 0)
			assert_true(time_monotonic_ms() < give_up);
		close(fds[i]);
	}
	/* Nothing but a refusal may have come. */
	assert_true(slice_find(buf_slice(&in), SLICE(" 200 ")) < 0);
	buf_done(&in);
}

/* Sends the beginning at once, then a byte now and then until it is cut off without an answer. */
static void drip(struct fixture *fixture, struct slice beginning)
{
	int64_t begun = time_monotonic_ms();
	int fd = client_connect(fixture);
	struct buf in;

	buf_init(&in, 10000);
	client_send(fd, beginning);
	while (client_receive(fd, &in, 100) == 0) {
		client_send(fd, SLICE("x"));
		assert_true(time_monotonic_ms() - begun < CLIENT_PATIENCE_MS);
	}
	assert_int_equal(in.len, 0);
	assert_true(time_monotonic_ms() - begun >= 1500);
	buf_done(&in);
	close(fd);
}

static void test_dripping_connections_are_closed(void **state)
{
	struct fixture *fixture = *state;

	drip(fixture, SLICE("GET /hea"));
	drip(fixture, SLICE("GET /healthz HTTP/1.1\r\nX: "));
	drip(fixture, post_head(fixture, "/v1/parse",
				"Content-Type: message/rfc822\r\nContent-Length: 90000\r\n"));
}

static void test_requests_on_one_connection(void **state)
{
	static const struct slice TWICE = SLICE_LITERAL(SMUGGLED SMUGGLED);
	int64_t give_up = time_monotonic_ms() + CLIENT_PATIENCE_MS;
	struct fixture *fixture = *state;
	int fd = client_connect(fixture);
	struct answer answer;
	struct buf in;

	buf_init(&in, 10000);
	client_send(fd, TWICE);
	for (int i = 0; i < 2; i++) {
		while (!answer_take(&in, fixture->arena, false, &answer)) {
			assert_true(client_receive(fd, &in, 1000) >= 0);
			assert_true(time_monotonic_ms() < give_up);
		}
		assert_int_equal(answer.status, 200);
	}
	buf_done(&in);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_large_heads),
		cmocka_unit_test(test_plain_requests),
		cmocka_unit_test(test_large_bodies_are_refused_before_they_come),
		cmocka_unit_test(test_chunked_bodies_are_counted),
		cmocka_unit_test(test_refused_bodies_do_not_hide_the_answer),
		cmocka_unit_test(test_standing_connections_are_closed),
		cmocka_unit_test(test_dripping_connections_are_closed),
		cmocka_unit_test(test_requests_on_one_connection),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
