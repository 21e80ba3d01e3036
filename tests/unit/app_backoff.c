/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/backoff.h"

static void doubles_up_to_the_maximum(void **state)
{
	static const int64_t expected[] = { 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000 };
	struct backoff backoff = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(backoff_next(&backoff, 0), expected[i]);
}

static void a_good_run_forgets(void **state)
{
	struct backoff backoff = { 0 };

	(void)state;
	for (int i = 0; i < 5; i++)
		(void)backoff_next(&backoff, BACKOFF_GOOD_RUN_MS - 1);
	assert_true(backoff.delay_ms > BACKOFF_FIRST_MS);
	assert_int_equal(backoff_next(&backoff, BACKOFF_GOOD_RUN_MS), 0);
	assert_int_equal(backoff_next(&backoff, 0), BACKOFF_FIRST_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_up_to_the_maximum),
		cmocka_unit_test(a_good_run_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
