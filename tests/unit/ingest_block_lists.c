/* SPDX-License-Identifier: Apache-2.0 */
/* Asking block lists in an event loop, over a resolver that answers when it is told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/limits.h"
#include "core/timestamp.h"
#include "ingest/block_lists.h"

#define TIMEOUT_MS 100
#define LISTS      3

/* -- the resolver -- */

struct resolver_query {
	struct resolver_query *next;
	const struct dns_question *question;
	resolver_done *done;
	void *context;
};

static struct resolver_query *open_queries;
static unsigned asked, cancelled, told;
static bool broken; /* it cannot even be asked */
static struct event_base *base;

static struct resolver_query *take(struct resolver_query *query)
{
	struct resolver_query **at = &open_queries;

	while (*at != query)
		at = &(*at)->next;
	*at = query->next;
	return query;
}

static struct resolver_query *ask(void *context, const struct dns_question *question,
				  resolver_done *done, void *done_context)
{
	struct resolver_query *query = calloc(1, sizeof(*query));

	(void)context;
	asked++;
	if (broken) {
		free(query);
		return NULL;
	}
	*query = (struct resolver_query){ open_queries, question, done, done_context };
	open_queries = query;
	return query;
}

static void cancel(void *context, struct resolver_query *query)
{
	(void)context;
	cancelled++;
	free(take(query));
}

/* Answers the open question for a name; answer NULL: DNS failed, "": no records, else an address.
 */
static void answer(const char *name, const char *text)
{
	struct ip_address address;
	struct dns_answer answer = { .failed = text == NULL };
	struct resolver_query *query = open_queries;
	struct slice record;

	while (query != NULL && !slice_equal(query->question->name, slice_from_cstr(name)))
		query = query->next;
	assert_non_null(query);
	assert_int_equal(query->question->type, DNS_A);
	if (text != NULL && ip_parse(slice_from_cstr(text), &address)) {
		record = slice_from((const char *)address.bytes, 4);
		answer.records = &record;
		answer.count = 1;
	}
	take(query)->done(query->context, query->question, &answer);
	free(query);
}

/* -- the lists -- */

static struct block_list lists[LISTS];
static struct block_lists *asker;
static struct ip_address client;

static int setup(void **state)
{
	static const char *const words[LISTS] = { "tag.example", "defer.example",
						  "refuse.example" };
	struct block_lists_options options = {
		.resolver = { NULL, ask, cancel },
		.lists = lists,
		.count = LISTS,
		.timeout_ms = TIMEOUT_MS,
		.listed_ms = 60000,
		.clear_ms = 60000,
	};

	(void)state;
	base = options.base = event_base_new();
	for (size_t i = 0; i < LISTS; i++)
		assert_true(block_list_parse(slice_from_cstr(words[i]), (enum block_action)i,
					     &lists[i]));
	asker = block_lists_new(&options);
	asked = cancelled = told = 0;
	broken = false;
	return ip_parse(SLICE("192.0.2.1"), &client) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	block_lists_free(asker);
	assert_null(open_queries);
	event_base_free(base);
	return 0;
}

static void on_told(void *context)
{
	(void)context;
	told++;
}

static void wait_for_timeout(void)
{
	assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

static void test_nobody_listed_it(void **state)
{
	struct block_verdict verdict;

	(void)state;
	block_lists_ask(asker, &client);
	assert_int_equal(asked, LISTS);
	verdict = block_lists_find(asker, &client);
	assert_true(verdict.waiting);
	assert_null(verdict.against);
	block_lists_wait(asker, &client, on_told, NULL);
	answer("1.2.0.192.defer.example", "");
	answer("1.2.0.192.tag.example", "");
	assert_int_equal(told, 0);
	answer("1.2.0.192.refuse.example", "");
	assert_int_equal(told, 1);
	verdict = block_lists_find(asker, &client);
	assert_false(verdict.waiting);
	assert_null(verdict.against);
	assert_int_equal(verdict.listed, 0);
	/* it is remembered */
	block_lists_ask(asker, &client);
	assert_int_equal(asked, LISTS);
}

static void test_listed(void **state)
{
	struct arena *arena = arena_new(0);
	struct block_verdict verdict;

	(void)state;
	block_lists_ask(asker, &client);
	answer("1.2.0.192.tag.example", "127.0.0.2");
	verdict = block_lists_find(asker, &client);
	assert_null(verdict.against);
	assert_true(verdict.waiting);
	answer("1.2.0.192.defer.example", "127.0.0.2");
	assert_ptr_equal(block_lists_find(asker, &client).against, &lists[1]);
	answer("1.2.0.192.refuse.example", "127.0.0.2");
	/* from the cache, and the strictest */
	verdict = block_lists_find(asker, &client);
	assert_ptr_equal(verdict.against, &lists[2]);
	assert_true(slice_equal(
		block_lists_flags(asker, verdict.listed, arena),
		SLICE("listed:tag.example listed:defer.example listed:refuse.example")));
	assert_true(slice_empty(block_lists_flags(asker, 0, arena)));
	arena_free(arena);
}

static void test_two_clients_at_once(void **state)
{
	struct ip_address other, mapped;

	(void)state;
	assert_true(ip_parse(SLICE("2001:db8::1"), &other));
	assert_true(ip_parse(SLICE("::ffff:192.0.2.1"), &mapped));
	block_lists_ask(asker, &client);
	block_lists_ask(asker, &other);
	block_lists_ask(asker, &client);
	block_lists_ask(asker, &mapped);
	assert_int_equal(asked, 2 * LISTS);
	answer("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.refuse.example",
	       "127.0.0.2");
	assert_ptr_equal(block_lists_find(asker, &other).against, &lists[2]);
	assert_null(block_lists_find(asker, &client).against);
	assert_true(block_lists_find(asker, &mapped).waiting);
}

static void test_a_list_that_fails_keeps_nobody_waiting(void **state)
{
	struct ip_address next;

	(void)state;
	assert_true(ip_parse(SLICE("192.0.2.2"), &next));
	block_lists_ask(asker, &client);
	block_lists_wait(asker, &client, on_told, NULL);
	answer("1.2.0.192.defer.example", NULL);
	assert_int_equal(told, 0);
	answer("1.2.0.192.refuse.example", "127.255.255.254");
	assert_int_equal(told, 1); /* the tag may come later */
	assert_null(block_lists_find(asker, &client).against);
	block_lists_ask(asker, &next);
	assert_false(block_lists_find(asker, &next).waiting);
	/* it is well again */
	answer("2.2.0.192.defer.example", "");
	answer("2.2.0.192.refuse.example", "127.0.0.2");
	assert_ptr_equal(block_lists_find(asker, &next).against, &lists[2]);
	assert_true(ip_parse(SLICE("192.0.2.3"), &next));
	block_lists_ask(asker, &next);
	assert_true(block_lists_find(asker, &next).waiting);
}

static void test_a_slow_list(void **state)
{
	int64_t begin = time_monotonic_ms();

	(void)state;
	block_lists_ask(asker, &client);
	block_lists_wait(asker, &client, on_told, NULL);
	answer("1.2.0.192.tag.example", "127.0.0.2");
	wait_for_timeout();
	assert_int_equal(told, 1);
	assert_in_range(time_monotonic_ms() - begin, TIMEOUT_MS - 1, TIMEOUT_MS + 2000);
	assert_int_equal(cancelled, 2);
	/* what was said in time counts */
	assert_int_equal(block_lists_find(asker, &client).listed, 1);
	assert_null(block_lists_find(asker, &client).against);
}

static void test_no_resolver(void **state)
{
	(void)state;
	broken = true;
	block_lists_ask(asker, &client);
	assert_int_equal(asked, LISTS);
	assert_false(block_lists_find(asker, &client).waiting);
	assert_int_equal(block_lists_find(asker, &client).listed, 0);
}

static void test_too_many_clients_are_not_asked_about(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LIMIT_BLOCK_LIST_LOOKUPS + 5; i++) {
		struct ip_address one = { { 192, 0, (uint8_t)(i >> 8), (uint8_t)i }, false };

		block_lists_ask(asker, &one);
	}
	assert_int_equal(asked, LIMIT_BLOCK_LIST_LOOKUPS * LISTS);
	struct ip_address last = { { 192, 0, (LIMIT_BLOCK_LIST_LOOKUPS + 4) >> 8,
				     (LIMIT_BLOCK_LIST_LOOKUPS + 4) & 255 },
				   false };

	assert_false(block_lists_find(asker, &last).waiting);
	assert_int_equal(block_lists_find(asker, &last).listed, 0);
}

/* teardown() checks that no question stays open */
static void test_ends_while_it_is_asked(void **state)
{
	(void)state;
	block_lists_ask(asker, &client);
	block_lists_wait(asker, &client, on_told, NULL);
	block_lists_free(asker);
	asker = NULL;
	assert_int_equal(told, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nobody_listed_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_clients_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_list_that_fails_keeps_nobody_waiting, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_slow_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_resolver, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many_clients_are_not_asked_about, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_ends_while_it_is_asked, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
