/* SPDX-License-Identifier: Apache-2.0 */
/* When return paths stop to verify: whose fault it looks like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ingest/verification_guard.h"

#define MINUTE INT64_C(60000)
/* Somewhere in the monotonic clock of a machine that has run for a while. */
#define START INT64_C(100000000)

static int setup(void **state)
{
	*state = verification_guard_new();
	return 0;
}

static int teardown(void **state)
{
	verification_guard_free(*state);
	return 0;
}

static struct guard_state note_from(struct verification_guard *guard, const char *peer,
				    bool verified, int64_t now)
{
	return verification_guard_note(guard, SLICE("bounce.example"), slice_from_cstr(peer),
				       verified, now);
}

/* The n-th of `networks` networks. */
static struct guard_state note(struct verification_guard *guard, unsigned n, unsigned networks,
			       bool verified, int64_t now)
{
	char peer[32];

	snprintf(peer, sizeof(peer), "198.51.%u.%u", n % networks, n % 250);
	return note_from(guard, peer, verified, now);
}

static int64_t healthy_hour(struct verification_guard *guard, int64_t from)
{
	for (int64_t minute = 0; minute < 60; minute++)
		for (unsigned i = 0; i < 4; i++)
			assert_false(note(guard, i, 9, i != 3, from + minute * MINUTE).trouble);
	return from + 60 * MINUTE;
}

/* How many of `count` failures, ten a second, are in trouble; *ret_alerts of them tell. */
static unsigned failures(struct verification_guard *guard, unsigned count, unsigned networks,
			 int64_t from, unsigned *ret_alerts)
{
	unsigned trouble = 0;

	*ret_alerts = 0;
	for (unsigned i = 0; i < count; i++) {
		struct guard_state state = note(guard, i, networks, false, from + i * 100);

		trouble += state.trouble;
		*ret_alerts += state.alert;
	}
	return trouble;
}

static void test_a_sudden_failure_everywhere(void **state)
{
	unsigned alerts;
	int64_t now = healthy_hour(*state, START);

	assert_true(failures(*state, 100, 20, now, &alerts) >= 70);
	assert_int_equal(alerts, 1);
	/* who comes with a good one is not held up, and helps to end it */
	for (unsigned i = 0; i < 120; i++)
		(void)note(*state, i, 20, true, now + MINUTE);
	assert_false(note(*state, 0, 20, false, now + MINUTE).trouble);
}

static void test_one_scanner_is_refused(void **state)
{
	unsigned alerts;
	int64_t now = healthy_hour(*state, START);

	assert_int_equal(failures(*state, 500, GUARD_NETWORKS_MIN - 1, now, &alerts), 0);
	assert_int_equal(alerts, 0);
}

static void test_addresses_of_one_network_are_one(void **state)
{
	int64_t now = healthy_hour(*state, START);
	char peer[64];

	for (unsigned i = 0; i < 200; i++) {
		snprintf(peer, sizeof(peer), "192.0.2.%u", i);
		assert_false(note_from(*state, peer, false, now).trouble);
		snprintf(peer, sizeof(peer), "2001:db8:1:%x::1", i);
		assert_false(note_from(*state, peer, false, now).trouble);
		snprintf(peer, sizeof(peer), "::ffff:192.0.2.%u", i);
		assert_false(note_from(*state, peer, false, now).trouble);
	}
}

static void test_without_a_healthy_past_nothing_is_sudden(void **state)
{
	unsigned alerts;

	assert_int_equal(failures(*state, 500, 20, START, &alerts), 0);
	/* an hour of it is the past */
	assert_int_equal(failures(*state, 500, 20, START + 30 * MINUTE, &alerts), 0);
}

static void test_few_failures_are_every_day(void **state)
{
	unsigned alerts;
	int64_t now = healthy_hour(*state, START);

	assert_int_equal(failures(*state, GUARD_FAILURES_MIN - 10, 20, now, &alerts), 0);
}

static void test_the_alert_repeats_after_ten_minutes(void **state)
{
	unsigned alerts = 0;
	int64_t now = healthy_hour(*state, START);

	for (int64_t at = 0; at < 25 * MINUTE; at += 1000)
		alerts += note(*state, (unsigned)(at / 1000), 20, false, now + at).alert;
	assert_true(alerts >= 1 && alerts <= 3);
}

static void test_it_ends_when_failing_is_the_rule(void **state)
{
	int64_t now = healthy_hour(*state, START);
	bool trouble = true;

	for (int64_t at = 0; at < 70 * MINUTE; at += 1000)
		trouble = note(*state, (unsigned)(at / 1000), 20, false, now + at).trouble;
	assert_false(trouble);
}

static void test_domains_are_apart(void **state)
{
	unsigned alerts;
	int64_t now = healthy_hour(*state, START);

	(void)failures(*state, 100, 20, now, &alerts);
	assert_true(note(*state, 1, 20, false, now + 10000).trouble);
	assert_false(verification_guard_note(*state, SLICE("other.example"), SLICE("192.0.2.1"),
					     false, now + 10000)
			     .trouble);
}

/* Many domains push out the silent ones, and never the memory's limit. */
static void test_more_domains_than_are_watched(void **state)
{
	unsigned alerts;
	int64_t now = healthy_hour(*state, START);
	char name[32];

	for (unsigned i = 0; i < GUARD_DOMAINS_MAX + 10; i++) {
		int len = snprintf(name, sizeof(name), "d%u.example", i);

		(void)verification_guard_note(*state, slice_from(name, (size_t)len),
					      SLICE("192.0.2.1"), true, now + MINUTE);
	}
	assert_int_equal(failures(*state, 100, 20, now + 2 * MINUTE, &alerts), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_sudden_failure_everywhere),
		TEST(test_one_scanner_is_refused),
		TEST(test_addresses_of_one_network_are_one),
		TEST(test_without_a_healthy_past_nothing_is_sudden),
		TEST(test_few_failures_are_every_day),
		TEST(test_the_alert_repeats_after_ten_minutes),
		TEST(test_it_ends_when_failing_is_the_rule),
		TEST(test_domains_are_apart),
		TEST(test_more_domains_than_are_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
