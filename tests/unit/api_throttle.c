/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets: a burst, then as fast as they refill. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "api/throttle.h"

#define BURST  10
#define PERIOD 60000

static void test_burst_and_refill(void **state)
{
	struct throttle *throttle = throttle_new(BURST, PERIOD);
	struct slice key = SLICE("192.0.2.1");
	int64_t now = 1000000;

	(void)state;
	for (int i = 0; i < BURST; i++)
		assert_int_equal(throttle_hit(throttle, key, now), 0);
	assert_int_equal(throttle_hit(throttle, key, now), PERIOD / BURST);
	/* Refused hits cost nothing: the wait does not grow. */
	assert_int_equal(throttle_hit(throttle, key, now + 1), PERIOD / BURST - 1);
	assert_int_equal(throttle_hit(throttle, key, now + PERIOD / BURST), 0);
	assert_int_not_equal(throttle_hit(throttle, key, now + PERIOD / BURST), 0);
	for (int i = 0; i < BURST; i++)
		assert_int_equal(throttle_hit(throttle, key, now + 10 * PERIOD), 0);
	assert_int_not_equal(throttle_hit(throttle, key, now + 10 * PERIOD), 0);
	throttle_free(throttle);
}

static void test_keys_do_not_share(void **state)
{
	struct throttle *throttle = throttle_new(1, PERIOD);

	(void)state;
	assert_int_equal(throttle_hit(throttle, SLICE("192.0.2.1"), 5), 0);
	assert_int_equal(throttle_hit(throttle, SLICE("192.0.2.2"), 5), 0);
	assert_int_not_equal(throttle_hit(throttle, SLICE("192.0.2.1"), 5), 0);
	throttle_free(throttle);
}

/* Far more keys than there is room for: the busiest one stays remembered. */
static void test_crowd(void **state)
{
	struct throttle *throttle = throttle_new(BURST, PERIOD);
	struct slice busy = SLICE("192.0.2.1");

	(void)state;
	for (int i = 0; i < BURST; i++)
		assert_int_equal(throttle_hit(throttle, busy, 1000), 0);
	for (int i = 0; i < 20000; i++) {
		char text[32];
		int len = snprintf(text, sizeof(text), "2001:db8::%x", i);

		throttle_hit(throttle, slice_from(text, (size_t)len), 1000);
	}
	assert_int_not_equal(throttle_hit(throttle, busy, 1000), 0);
	throttle_free(throttle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_and_refill),
		cmocka_unit_test(test_keys_do_not_share),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
