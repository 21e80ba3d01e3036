/* SPDX-License-Identifier: Apache-2.0 */
/* The gate, row by row: what two readers could understand differently does not pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/gate.h"
#include "api/target.h"
#include "core/arena.h"

#define HEADERS_MAX 8

struct row {
	const char *method;
	const char *target;
	const char *version;
	const char *headers; /* lines "Name: value\n", as the library hands them on */
	unsigned status;
	const char *why;
};

#define HOST "Host: api.example\n"

static const struct row ROWS[] = {
	{ "GET", "/", "HTTP/1.1", HOST, 0, "plain" },
	{ "GET", "/v1/events?kind=bounce", "HTTP/1.1", HOST "Accept: */*\n", 0, "plain" },
	{ "GET", "/", "HTTP/1.0", "", 0, "1.0 needs no Host" },
	{ "POST", "/x", "HTTP/1.1", HOST "Content-Length: 4\n", 0, "a body" },
	{ "POST", "/x", "HTTP/1.1", HOST "Transfer-Encoding: chunked\n", 0, "a chunked body" },
	{ "GET", "/", "HTTP/1.1", "Host: [2001:db8::1]:8080\n", 0, "an address as host" },

	{ "POST", "/x", "HTTP/1.1", HOST "Content-Length: 4\nTransfer-Encoding: chunked\n", 400,
	  "both" },
	{ "POST", "/x", "HTTP/1.1", HOST "Content-Length: 4\nContent-Length: 5\n", 400,
	  "two lengths" },
	{ "POST", "/x", "HTTP/1.1", HOST "Content-Length: 4\ncontent-length: 4\n", 400,
	  "two, though equal" },
	{ "POST", "/x", "HTTP/1.1", HOST "Content-Length: +4\n", 400, "a sign" },
	{ "POST", "/x", "HTTP/1.1", HOST "Content-Length: 4,4\n", 400, "a list" },
	{ "POST", "/x", "HTTP/1.1", HOST "Content-Length: 99999999999999999999\n", 400,
	  "too large" },
	{ "POST", "/x", "HTTP/1.1", HOST "Transfer-Encoding : chunked\n", 400,
	  "space in the name" },
	{ "POST", "/x", "HTTP/1.1", HOST "Transfer-Encoding: xchunked\n", 501, "unknown coding" },
	{ "POST", "/x", "HTTP/1.1", HOST "Transfer-Encoding: gzip, chunked\n", 501, "two codings" },
	{ "POST", "/x", "HTTP/1.1", HOST "Transfer-Encoding: Chunked\n", 501,
	  "not exactly chunked" },
	{ "POST", "/x", "HTTP/1.1",
	  HOST "Transfer-Encoding: chunked\nTransfer-Encoding: identity\n", 400, "twice" },
	{ "POST", "/x", "HTTP/1.0", HOST "Transfer-Encoding: chunked\n", 400, "1.0 has none" },
	{ "GET", "/", "HTTP/1.1", "", 400, "no Host" },
	{ "GET", "/", "HTTP/1.1", "Host: \n", 400, "empty Host" },
	{ "GET", "/", "HTTP/1.1", HOST HOST, 400, "two Hosts" },
	{ "GET", "/", "HTTP/1.1", "Host: a/b\n", 400, "no name" },
	{ "GET", "/", "HTTP/1.1", HOST "X[y]: 1\n", 400, "no token" },
	{ "GET", "/", "HTTP/1.1", HOST ": 1\n", 400, "no name" },
	{ "GET", "/", "HTTP/1.1", HOST "X: a\rb\n", 400, "bare CR in a value" },
	{ "GET", "/", "HTTP/1.1", HOST "X: a\x7f\n", 400, "DEL in a value" },
	{ "GET", "/", "HTTP/1.1", HOST "Authorization: a\nAuthorization: b\n", 400, "two keys" },
	{ "TRACE", "/", "HTTP/1.1", HOST, 405, "TRACE" },
	{ "CONNECT", "a.example:443", "HTTP/1.1", HOST, 405, "CONNECT" },
	{ "get", "/", "HTTP/1.1", HOST, 405, "methods are case-sensitive" },
	{ "GET", "/", "HTTP/1.2", HOST, 505, "another version" },
	{ "GET", "/", "HTTP/2.0", HOST, 505, "another version" },

	{ "GET", "http://api.example/", "HTTP/1.1", HOST, 400, "absolute form" },
	{ "OPTIONS", "*", "HTTP/1.1", HOST, 400, "asterisk form" },
	{ "GET", "", "HTTP/1.1", HOST, 400, "no target" },
	{ "GET", "/a%00b", "HTTP/1.1", HOST, 400, "NUL" },
	{ "GET", "/a%0d%0ab", "HTTP/1.1", HOST, 400, "line end" },
	{ "GET", "/a?x=%00", "HTTP/1.1", HOST, 400, "NUL in the query" },
	{ "GET", "/a%4", "HTTP/1.1", HOST, 400, "half an escape" },
	{ "GET", "/a%zz", "HTTP/1.1", HOST, 400, "no escape" },
	{ "GET", "/a%ff", "HTTP/1.1", HOST, 400, "no UTF-8" },
	{ "GET", "/a/../b", "HTTP/1.1", HOST, 400, "dot segment" },
	{ "GET", "/a/%2e%2e/b", "HTTP/1.1", HOST, 400, "escaped dot segment" },
	{ "GET", "/a/./b", "HTTP/1.1", HOST, 400, "dot segment" },
	{ "GET", "/a//b", "HTTP/1.1", HOST, 400, "empty segment" },
	{ "GET", "//a", "HTTP/1.1", HOST, 400, "empty segment" },
	{ "GET", "/a/", "HTTP/1.1", HOST, 400, "empty segment" },
	{ "GET", "/a b", "HTTP/1.1", HOST, 400, "space" },
	{ "GET", "/a\\b", "HTTP/1.1", HOST, 400, "backslash" },
	{ "GET", "/a#b", "HTTP/1.1", HOST, 400, "fragment" },
	{ "GET", "/a\xc3\xa9", "HTTP/1.1", HOST, 400, "bytes that are not escaped" },
	{ "GET", "/a?=1", "HTTP/1.1", HOST, 400, "a parameter without name" },
	{ "GET", "/1/2/3/4/5/6/7/8/9", "HTTP/1.1", HOST, 400, "too many segments" },
};

static struct request request_make(const struct row *row, struct arena *arena)
{
	struct slice rest = slice_from_cstr(row->headers), line;
	struct request request = {
		.method_text = slice_from_cstr(row->method),
		.version = slice_from_cstr(row->version),
		.target = slice_from_cstr(row->target),
		.headers = ARENA_ARRAY(arena, struct http_header, HEADERS_MAX),
	};

	request.method = method_from_text(request.method_text);
	while (slice_next_field(&rest, '\n', &line)) {
		size_t colon = (size_t)slice_find_byte(line, ':');

		request.headers[request.header_count++] =
			(struct http_header){ slice_head(line, colon),
					      slice_skip(line, colon + 2) };
	}
	return request;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct arena *arena = arena_new(0);
		struct request request = request_make(&ROWS[i], arena);
		struct gate_verdict verdict = gate_check(&request, arena);

		if (verdict.status != ROWS[i].status)
			fail_msg("%s %s (%s): %u, not %u", ROWS[i].method, ROWS[i].target,
				 ROWS[i].why, verdict.status, ROWS[i].status);
		assert_int_equal(verdict.status == 0, *verdict.detail == '\0');
		arena_free(arena);
	}
}

static void test_targets_are_decoded_once(void **state)
{
	struct arena *arena = arena_new(0);
	struct request request = {
		.target = SLICE_LITERAL(
			"/v1/x/a%2Fb%2540c+d@e?to=2026-01-01T00:00:00%2B01:00&address=a+b@x&flag"),
	};

	(void)state;
	assert_null(target_parse(&request, arena));
	assert_int_equal(request.segment_count, 3);
	assert_true(slice_equal(request.segments[2], SLICE("a/b%40c+d@e")));
	assert_int_equal(request.param_count, 3);
	assert_true(slice_equal(request_param(&request, "to")->value,
				SLICE("2026-01-01T00:00:00+01:00")));
	assert_true(slice_equal(request_param(&request, "address")->value, SLICE("a+b@x")));
	assert_true(slice_empty(request_param(&request, "flag")->value));
	assert_null(request_param(&request, "fla"));
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_targets_are_decoded_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
