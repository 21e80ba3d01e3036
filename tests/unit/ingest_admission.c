/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "ingest/admission.h"

#define NOW INT64_C(5000000)

/* One connection of a prefix, and ten of all; 127.0.0.0/8 is trusted. */
static int setup(void **state)
{
	static struct ip_network trusted;
	int descriptor;
	struct admission *admission = calloc(1, sizeof(*admission));
	const struct peer_limits_options options = {
		.seats = 1,
		.connections = 10,
		.prefix_connections = 1,
	};

	assert_non_null(admission);
	assert_true(ip_network_parse(SLICE("127.0.0.0/8"), &trusted));
	admission->limits = peer_limits_new(&options, &descriptor);
	close(descriptor);
	admission->trusted = &trusted;
	admission->trusted_count = 1;
	*state = admission;
	return 0;
}

static int teardown(void **state)
{
	struct admission *admission = *state;

	peer_limits_free(admission->limits);
	free(admission);
	return 0;
}

static void test_whom_the_limits_of_a_prefix_bind(void **state)
{
	static const struct {
		const char *peer;
		bool proxy;
		bool second; /* is let in */
	} cases[] = {
		{ "192.0.2.1", false, false },       { "2001:db8::1", false, false },
		{ "192.0.2.2", true, true },         { "127.1.2.3", false, true },
		{ "::ffff:127.0.0.1", false, true }, { "", false, true }, /* a Unix socket's */
	};
	const struct admission *admission = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice peer = slice_from_cstr(cases[i].peer);
		struct peer_ticket first, second;

		assert_true(admission_open(admission, peer, cases[i].proxy, NOW, &first));
		assert_int_equal(admission_open(admission, peer, cases[i].proxy, NOW, &second),
				 cases[i].second);
		admission_close(admission, &first);
		admission_close(admission, &second);
		assert_int_equal(peer_limits_connections(admission->limits), 0);
	}
	assert_int_equal(refusal_read(admission_refusals(admission), REFUSED_PREFIX_CONNECTIONS),
			 2);
}

/* The limit on all connections binds everybody. */
static void test_trusted_networks_can_fill_the_service(void **state)
{
	const struct admission *admission = *state;
	struct peer_ticket ticket;

	for (unsigned i = 0; i < 10; i++)
		assert_true(admission_open(admission, SLICE("127.0.0.1"), false, NOW, &ticket));
	assert_false(admission_open(admission, SLICE("127.0.0.1"), false, NOW, &ticket));
	assert_int_equal(refusal_read(admission_refusals(admission), REFUSED_CONNECTIONS), 1);
	admission_close(admission, &ticket); /* a refused one holds nothing */
	assert_int_equal(peer_limits_connections(admission->limits), 10);
}

static void test_a_client_behind_a_proxy(void **state)
{
	const struct admission *admission = *state;
	struct peer_ticket first, second, third;

	assert_true(admission_open(admission, SLICE("198.51.100.1"), true, NOW, &first));
	assert_true(admission_open(admission, SLICE("198.51.100.1"), true, NOW, &second));
	assert_true(admission_open(admission, SLICE("198.51.100.1"), true, NOW, &third));
	assert_true(admission_claim(admission, SLICE("192.0.2.1"), NOW, &first));
	assert_false(admission_claim(admission, SLICE("192.0.2.1"), NOW, &second));
	assert_true(admission_claim(admission, SLICE("127.0.0.1"), NOW, &third));
}

static void test_stress(void **state)
{
	static const struct {
		unsigned connections;
		bool stressed;
	} steps[] = {
		{ 0, false }, { 79, false }, { 80, true },  { 79, true }, { 100, true },
		{ 70, true }, { 69, false }, { 79, false }, { 80, true },
	};
	struct admission *admission = *state;
	bool before = false;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_int_equal(admission_update(admission, steps[i].connections, 100),
				 steps[i].stressed != before);
		assert_int_equal(admission->stressed, steps[i].stressed);
		before = steps[i].stressed;
	}
}

/* A process that has little to do itself feels it when the others are full. */
static void test_stress_of_all(void **state)
{
	struct admission *admission = *state;
	struct peer_ticket tickets[8];

	for (unsigned i = 0; i < 8; i++)
		assert_true(peer_limits_open(admission->limits, 0, NULL, NOW, &tickets[i]));
	assert_true(admission_update(admission, 0, 100));
	assert_true(admission->stressed);
	peer_limits_close(admission->limits, 0, &tickets[0]);
	assert_false(admission_update(admission, 0, 100));
	peer_limits_close(admission->limits, 0, &tickets[1]);
	assert_true(admission_update(admission, 0, 100));
	assert_false(admission->stressed);
}

static void test_without_limits(void **state)
{
	struct admission admission = { 0 };
	struct peer_ticket ticket;

	(void)state;
	assert_true(admission_open(&admission, SLICE("192.0.2.1"), false, NOW, &ticket));
	assert_true(admission_claim(&admission, SLICE("192.0.2.1"), NOW, &ticket));
	admission_close(&admission, &ticket);
	assert_null(admission_refusals(&admission));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whom_the_limits_of_a_prefix_bind, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_trusted_networks_can_fill_the_service, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_client_behind_a_proxy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stress, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stress_of_all, setup, teardown),
		cmocka_unit_test(test_without_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
