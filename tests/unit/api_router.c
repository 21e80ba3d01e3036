/* SPDX-License-Identifier: Apache-2.0 */
/* The routing table: what is not in it is refused, and nothing is open that should not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/router.h"
#include "api/target.h"
#include "core/arena.h"
#include "core/limits.h"

struct fixture {
	struct arena *arena;
	struct api_options options;
	struct request request;
	struct response response;
	struct http_header headers[4];
	struct call call;
};

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){ .arena = arena_new(0) };
	response_init(&fixture.response);
	fixture.call = (struct call){
		.options = &fixture.options,
		.arena = fixture.arena,
		.request = &fixture.request,
		.response = &fixture.response,
	};
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	response_done(&fixture->response);
	arena_free(fixture->arena);
	return 0;
}

static const struct route *find(struct fixture *fixture, const char *method, const char *target,
				struct slice *ret_allow)
{
	fixture->request = (struct request){
		.target = slice_from_cstr(target),
		.method = method_from_text(slice_from_cstr(method)),
		.headers = fixture->headers,
	};
	assert_null(target_parse(&fixture->request, fixture->arena));
	return router_find(&fixture->request, fixture->arena, ret_allow);
}

static void header(struct fixture *fixture, const char *name, const char *value)
{
	fixture->headers[fixture->request.header_count++] =
		(struct http_header){ slice_from_cstr(name), slice_from_cstr(value) };
}

/* The status that the head of such a request is answered with; 0: its body may come. */
static unsigned check(struct fixture *fixture, const struct route *route)
{
	response_reset(&fixture->response);
	return router_check_head(&fixture->call, route) ? 0 : fixture->response.status;
}

static void test_only_probes_are_open(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		bool probe = strcmp(ROUTES[i].path, "/healthz") == 0 ||
			     strcmp(ROUTES[i].path, "/readyz") == 0;

		assert_int_equal(ROUTES[i].scope == 0, probe);
		assert_non_null(ROUTES[i].handle);
		/* What changes something is not to be had with a key that only reads. */
		if (ROUTES[i].method == METHOD_PUT || ROUTES[i].method == METHOD_DELETE)
			assert_int_equal(ROUTES[i].scope, API_SCOPE_WRITE);
	}
}

static void test_paths(void **state)
{
	static const struct {
		const char *method, *target, *path, *allow;
	} ROWS[] = {
		{ "GET", "/v1/events", "/v1/events", "" },
		{ "HEAD", "/v1/events", "/v1/events", "" },
		{ "GET", "/v1/suppressions/a@b.example", "/v1/suppressions/{}", "" },
		{ "POST", "/v1/suppressions/check", "/v1/suppressions/check", "" },
		{ "GET", "/v1/reports/x/raw", "/v1/reports/{}/raw", "" },
		{ "POST", "/v1/events", NULL, "GET, HEAD" },
		{ "OPTIONS", "/v1/suppressions/x", NULL, "GET, HEAD, PUT, DELETE" },
		{ "GET", "/", NULL, "" },
		{ "GET", "/v1", NULL, "" },
		{ "GET", "/v1/event", NULL, "" },
		{ "GET", "/v1/events/x/y", NULL, "" },
		{ "GET", "/V1/events", NULL, "" },
		{ "GET", "/v1/%65vents", NULL, "" }, /* another spelling is another path */
		{ "GET", "/v1%2Fevents", NULL, "" },
	};

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct slice allow;
		const struct route *route = find(*state, ROWS[i].method, ROWS[i].target, &allow);

		if (ROWS[i].path && !route)
			fail_msg("%s %s: no route", ROWS[i].method, ROWS[i].target);
		if (ROWS[i].path)
			assert_string_equal(route->path, ROWS[i].path);
		else
			assert_null(route);
		if (!route && !slice_equal(allow, slice_from_cstr(ROWS[i].allow)))
			fail_msg("%s %s: Allow %.*s", ROWS[i].method, ROWS[i].target,
				 SLICE_ARG(allow));
	}
}

static void test_arguments_are_decoded(void **state)
{
	struct fixture *fixture = *state;
	struct slice allow;

	assert_non_null(find(fixture, "GET", "/v1/suppressions/a%2Fb@x.example", &allow));
	assert_true(slice_equal(fixture->request.args[0], SLICE("a/b@x.example")));
}

static void test_refusal(void **state)
{
	struct fixture *fixture = *state;
	struct slice allow;

	find(fixture, "POST", "/v1/events", &allow);
	router_refuse(&fixture->call, allow);
	assert_int_equal(fixture->response.status, 405);
	assert_string_equal(fixture->response.headers[0].name, "Allow");
	find(fixture, "OPTIONS", "/v1/events", &allow);
	router_refuse(&fixture->call, allow);
	assert_int_equal(fixture->response.status, 204);
	assert_int_equal(fixture->response.header_count, 1);
	find(fixture, "GET", "/nothing", &allow);
	router_refuse(&fixture->call, allow);
	assert_int_equal(fixture->response.status, 404);
}

static void test_parameters(void **state)
{
	struct fixture *fixture = *state;
	struct slice allow;

	assert_int_equal(check(fixture, find(fixture, "GET", "/v1/events?kind=x&limit=3", &allow)),
			 0);
	assert_int_equal(check(fixture, find(fixture, "GET", "/v1/events?kinds=x", &allow)), 400);
	assert_int_equal(check(fixture, find(fixture, "GET", "/v1/events?kind=a&kind=a", &allow)),
			 400);
	assert_int_equal(check(fixture, find(fixture, "GET", "/v1/events?csv_safe=2", &allow)),
			 400);
	assert_int_equal(check(fixture, find(fixture, "GET", "/v1/events?csv_safe=0", &allow)), 0);
	assert_false(fixture->call.csv_safe);
}

static void test_bodies(void **state)
{
	static const struct {
		const char *method, *target, *type, *length, *encoding;
		unsigned status;
	} ROWS[] = {
		{ "POST", "/v1/suppressions/check", "application/json", "2", NULL, 0 },
		{ "POST", "/v1/suppressions/check", "Application/JSON; charset=utf-8", "2", NULL,
		  0 },
		{ "POST", "/v1/suppressions/check", "application/json", NULL, "chunked", 0 },
		{ "POST", "/v1/suppressions/check", "text/plain", "2", NULL, 415 },
		{ "POST", "/v1/suppressions/check", NULL, "2", NULL, 415 },
		{ "POST", "/v1/suppressions/check", "application/json", NULL, NULL, 400 },
		{ "POST", "/v1/suppressions/check", "application/json", "4194304", NULL, 0 },
		{ "POST", "/v1/suppressions/check", "application/json", "4194305", NULL, 413 },
		{ "PUT", "/v1/suppressions/a@b.example", NULL, NULL, NULL, 0 },
		{ "PUT", "/v1/suppressions/a@b.example", NULL, "0", NULL, 0 },
		{ "PUT", "/v1/suppressions/a@b.example", "text/html", "9", NULL, 415 },
		{ "GET", "/v1/events", NULL, "0", NULL, 0 },
		{ "GET", "/v1/events", "application/json", "2", NULL, 400 },
		{ "DELETE", "/v1/suppressions/a@b.example", NULL, NULL, "chunked", 400 },
		{ "POST", "/v1/reports", "message/rfc822", "2000", NULL, 0 },
		{ "POST", "/v1/reports", "application/octet-stream", "2000", NULL, 0 },
		{ "POST", "/v1/reports", "application/json", "2000", NULL, 415 },
		{ "POST", "/v1/reports", "message/rfc822", "2001", NULL, 413 },
	};
	struct fixture *fixture = *state;

	fixture->options.message_max = 2000;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct slice allow;
		const struct route *route = find(fixture, ROWS[i].method, ROWS[i].target, &allow);

		if (ROWS[i].type)
			header(fixture, "content-type", ROWS[i].type);
		if (ROWS[i].length)
			header(fixture, "Content-Length", ROWS[i].length);
		if (ROWS[i].encoding)
			header(fixture, "Transfer-Encoding", ROWS[i].encoding);
		unsigned status = check(fixture, route);
		if (status != ROWS[i].status)
			fail_msg("%s %s, row %zu: %u, not %u", ROWS[i].method, ROWS[i].target, i,
				 status, ROWS[i].status);
	}
}

static void test_formats(void **state)
{
	struct fixture *fixture = *state;
	struct slice allow;
	const struct route *route = find(fixture, "GET", "/v1/events", &allow);

	header(fixture, "Accept", "text/csv");
	assert_int_equal(check(fixture, route), 0);
	assert_int_equal(fixture->call.format, FORMAT_CSV);
	route = find(fixture, "GET", "/v1/events/x", &allow);
	header(fixture, "Accept", "text/csv");
	assert_int_equal(check(fixture, route), 406);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_probes_are_open),
		cmocka_unit_test_setup_teardown(test_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_arguments_are_decoded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parameters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bodies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_formats, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
