/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may call what: every route with no key, a broken one, a revoked one, an expired one and one
 * of another scope; and two accounts that must not see one another.
 */
#include "tests/db/api_client.h"

#include "api/router.h"
#include "tests/db/filings.h"

static const char *method_text(enum method method)
{
	static const char *const TEXTS[] = {
		[METHOD_OTHER] = "BREW",      [METHOD_GET] = "GET",   [METHOD_HEAD] = "HEAD",
		[METHOD_PUT] = "PUT",         [METHOD_POST] = "POST", [METHOD_DELETE] = "DELETE",
		[METHOD_OPTIONS] = "OPTIONS",
	};

	return TEXTS[method];
}

/* The route's path with an id of nothing, or an address, in place of {}. */
static const char *target_of(const struct route *route, struct arena *arena)
{
	struct slice path = slice_from_cstr(route->path);
	ptrdiff_t hole = slice_find(path, SLICE("{}"));
	bool address = slice_starts_with(path, SLICE("/v1/suppressions"));

	if (hole < 0)
		return route->path;
	return arena_printf(arena, "%.*s%s%.*s", (int)hole, path.ptr,
			    address ? "nobody@recipient.example"
				    : "01900000-0000-7000-8000-000000000000",
			    SLICE_ARG(slice_skip(path, (size_t)hole + 2)))
		.ptr;
}

static unsigned status_with(struct fixture *fixture, const struct route *route, const char *key)
{
	struct ask request = {
		key, method_text(route->method), target_of(route, fixture->arena), NULL, NULL, NULL
	};

	if (route->body == BODY_JSON)
		request.body = "{}";
	if (route->body == BODY_MESSAGE) {
		request.type = "message/rfc822";
		request.body = "Subject: x\r\n\r\n";
	}
	fixture->source++; /* failures are limited for each address; here each call has its own */
	return ask(fixture, &request).status;
}

static const char *revoked_key(struct fixture *fixture)
{
	const char *key = key_create(fixture, 1, 7, TIME_NONE);
	struct admin admin = { fixture->database->pg, fixture->arena };
	struct slice rest = slice_skip(slice_from_cstr(key), 3), id, error;

	assert_true(slice_next_field(&rest, '_', &id));
	assert_int_equal(admin_api_key_revoke(&admin, id, &error), OK);
	return key;
}

static const char *expired_key(struct fixture *fixture)
{
	const char *key = key_create(fixture, 1, 7, time_now_ms() + TIME_DAY_MS);

	database_run(fixture->database->pg,
		     "UPDATE api_key SET expires_at = now() - interval '1 second'"
		     " WHERE expires_at IS NOT NULL");
	return key;
}

static void test_keys_that_do_not_count(void **state)
{
	struct fixture *fixture = *state;
	char *altered = arena_cstr(fixture->arena, slice_from_cstr(fixture->key));
	const char *cut = arena_cstr(fixture->arena, slice_head(slice_from_cstr(fixture->key), 40));
	size_t last = strlen(altered) - 2;

	altered[last] = altered[last] == 'a' ? 'b' : 'a';
	const char *const KEYS[] = {
		NULL,
		"garbage",
		"bd_",
		"bd_aaaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		altered,
		cut,
		revoked_key(fixture),
		expired_key(fixture),
	};

	for (size_t r = 0; r < ROUTE_COUNT; r++)
		for (size_t k = 0; k < sizeof(KEYS) / sizeof(KEYS[0]); k++) {
			unsigned status = status_with(fixture, &ROUTES[r], KEYS[k]);

			if (status != (ROUTES[r].scope == 0 ? 200U : 401U))
				fail_msg("%s with key %zu: %u", ROUTES[r].path, k, status);
		}
}

static void test_scopes(void **state)
{
	struct fixture *fixture = *state;
	const unsigned SCOPES[] = { API_SCOPE_READ, API_SCOPE_WRITE, API_SCOPE_INGEST,
				    API_SCOPE_ADMIN };

	for (size_t s = 0; s < 4; s++) {
		const char *key = key_create(fixture, 1, SCOPES[s], TIME_NONE);

		for (size_t r = 0; r < ROUTE_COUNT; r++) {
			unsigned status = status_with(fixture, &ROUTES[r], key);
			bool allowed = ROUTES[r].scope == 0 || ROUTES[r].scope == SCOPES[s];

			if ((status == 403) == allowed || status == 401)
				fail_msg("%s with scope %u: %u", ROUTES[r].path, SCOPES[s], status);
		}
	}
}

static void test_unknown_paths_need_a_key_too(void **state)
{
	struct fixture *fixture = *state;

	fixture->source++;
	assert_status(ask(fixture, &(struct ask){ NULL, "GET", "/v1/nothing", NULL, NULL, NULL }),
		      401);
	assert_status(ask(fixture, &(struct ask){ NULL, "PUT", "/v1/events", NULL, NULL, NULL }),
		      401);
	assert_problem(fixture, get(fixture, "/v1/nothing"), 404, "not_found", "");
}

static void test_failures_are_limited(void **state)
{
	const struct ask nobody = { NULL, "GET", "/v1/events", NULL, NULL, NULL };
	struct fixture *fixture = *state;
	struct answer answer;
	uint64_t seconds = 0;

	fixture->source++;
	for (int i = 0; i < 10; i++)
		assert_problem(fixture, ask(fixture, &nobody), 401, "unauthorized", "");
	answer = ask(fixture, &nobody);
	assert_problem(fixture, answer, 429, "too_many_failures", "");
	assert_true(slice_to_u64(answer_header(&answer, "Retry-After"), &seconds));
	assert_in_range(seconds, 1, 60);
	/* A valid key never is, and neither is another address. */
	assert_status(get(fixture, "/v1/events"), 200);
	fixture->source++;
	assert_status(ask(fixture, &nobody), 401);
}

static void test_keys_are_asked_for(void **state)
{
	struct fixture *fixture = *state;
	struct answer answer;

	fixture->source++;
	answer = ask(fixture, &(struct ask){ NULL, "GET", "/v1/events", NULL, NULL, NULL });
	assert_true(slice_equal(answer_header(&answer, "WWW-Authenticate"), SLICE("Bearer")));
	answer = ask(fixture, &(struct ask){ NULL, "GET", "/v1/events", NULL, NULL,
					     "Authorization: Basic YTpi\r\n" });
	assert_status(answer, 401);
	answer = exchange(fixture, arena_printf(fixture->arena,
						"GET /v1/events HTTP/1.1\r\nHost: a\r\n"
						"authorization: bearer %s\r\n\r\n",
						fixture->key));
	assert_status(answer, 200);
}

/* A bounce of account 1, with all that comes of it. */
static struct filing *file_bounce(struct fixture *fixture, const char *address)
{
	struct committer *committer =
		committer_new(database_dsn_as(fixture->database, "bounced_ingest"), 1, true);
	struct filing *filing =
		filing_bounce(fixture->arena, "Subject: it\r\n\r\nbounced\r\n", address);
	struct commit_item item;

	commit(committer, &item, &filing, 1);
	assert_int_equal(item.outcome, COMMIT_DONE);
	committer_free(committer);
	return filing;
}

static const char *uuid_text(struct fixture *fixture, const struct uuid *uuid)
{
	char *text = arena_alloc(fixture->arena, UUID_TEXT_LEN + 1);

	uuid_format(uuid, text);
	return text;
}

static void test_accounts_do_not_see_one_another(void **state)
{
	struct fixture *fixture = *state;
	struct filing *filing = file_bounce(fixture, "jane@recipient.example");
	const char *report = uuid_text(fixture, &filing->report_id);
	const char *const TARGETS[] = {
		arena_printf(fixture->arena, "/v1/events/%s",
			     uuid_text(fixture, &filing->events[0].id))
			.ptr,
		arena_printf(fixture->arena, "/v1/reports/%s", report).ptr,
		arena_printf(fixture->arena, "/v1/reports/%s/raw", report).ptr,
		"/v1/suppressions/jane@recipient.example",
		"/v1/suppressions/ref:42",
	};
	struct ask as_other = { fixture->other_key, "GET", NULL, NULL, NULL, NULL };

	for (size_t i = 0; i < sizeof(TARGETS) / sizeof(TARGETS[0]); i++) {
		assert_status(get(fixture, TARGETS[i]), 200);
		as_other.target = TARGETS[i];
		assert_status(ask(fixture, &as_other), 404);
	}
	as_other.method = "DELETE";
	assert_status(ask(fixture, &as_other), 404);
	as_other = (struct ask){
		fixture->other_key,    "PUT", "/v1/suppressions/jane@recipient.example", NULL,
		"{\"note\":\"mine\"}", NULL
	};
	assert_status(ask(fixture, &as_other), 201);
	assert_string_equal(answer_at(fixture, get(fixture, TARGETS[3]), "/results/0/origin"),
			    "bounce");
	as_other = (struct ask){ fixture->other_key,    "POST", "/v1/suppressions/check", NULL,
				 "{\"refs\":[\"42\"]}", NULL };
	assert_string_equal(answer_at(fixture, ask(fixture, &as_other), "/results/0/result"),
			    "clear");
	as_other = (struct ask){ fixture->other_key, "GET", "/v1/events", NULL, NULL, NULL };
	assert_int_equal(answer_count(ask(fixture, &as_other)), 0);
	as_other.target = "/v1/metrics?from=2020-01-01&to=2100-01-01";
	assert_int_equal(answer_count(ask(fixture, &as_other)), 0);
	assert_int_not_equal(answer_count(get(fixture, as_other.target)), 0);
}

/* The second wall: were the first to fall, the role itself sees one account only. */
static void test_rows_are_walled_off_in_the_database(void **state)
{
	struct fixture *fixture = *state;
	struct pg *pg = pg_new(database_dsn_as(fixture->database, "bounced_api"), 0);
	static const char ALL[] = "SELECT count(*) AS number FROM event";
	PG_RESULT result = NULL;

	file_bounce(fixture, "joe@recipient.example");
	assert_int_equal(pg_exec(pg, ALL, NULL, &result), PG_SOME);
	assert_int_equal(pg_int(result, 0, "number"), 0);
	pg_result_cleanup(&result);
	assert_int_equal(pg_exec_account(pg, 2, ALL, NULL, &result), PG_SOME);
	assert_int_equal(pg_int(result, 0, "number"), 0);
	pg_result_cleanup(&result);
	assert_int_equal(pg_exec_account(pg, 1, ALL, NULL, &result), PG_SOME);
	assert_int_not_equal(pg_int(result, 0, "number"), 0);
	pg_free(pg);
}

/* Without database there is no telling who calls: not 401, but later. */
static void test_database_away(void **state)
{
	struct fixture *fixture = *state;
	struct answer answer;

	api_server_stop(fixture->server);
	database_run(fixture->database->pg, "ALTER ROLE bounced_api NOLOGIN");
	fixture_start(fixture);
	answer = get(fixture, "/v1/events");
	database_run(fixture->database->pg, "ALTER ROLE bounced_api LOGIN");
	assert_problem(fixture, answer, 503, "unavailable", "");
	assert_false(slice_empty(answer_header(&answer, "Retry-After")));
	assert_status(ask(fixture, &(struct ask){ NULL, "GET", "/healthz", NULL, NULL, NULL }),
		      200);
	assert_status(get(fixture, "/v1/events"), 200);
	assert_status(ask(fixture, &(struct ask){ NULL, "GET", "/readyz", NULL, NULL, NULL }), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_that_do_not_count),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_unknown_paths_need_a_key_too),
		cmocka_unit_test(test_failures_are_limited),
		cmocka_unit_test(test_keys_are_asked_for),
		cmocka_unit_test(test_accounts_do_not_see_one_another),
		cmocka_unit_test(test_rows_are_walled_off_in_the_database),
		cmocka_unit_test(test_database_away),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
