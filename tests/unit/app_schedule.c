/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/jobs/schedule.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct job TABLE[] = {
	{ "often", 100, NULL },
	{ "rarely", 3600000, NULL },
	{ "sometimes", 1000, NULL },
};
enum { OFTEN, RARELY, SOMETIMES };

static struct schedule schedule_at(int64_t now)
{
	struct schedule schedule;

	schedule_init(&schedule, TABLE, COUNT(TABLE), now);
	return schedule;
}

static void assert_next(const struct schedule *schedule, size_t job, int64_t due_at)
{
	int64_t due;

	assert_int_equal(schedule_next(schedule, &due), job);
	assert_int_equal(due, due_at);
}

static void at_the_start_all_are_due_in_order(void **state)
{
	struct schedule schedule = schedule_at(5000);

	(void)state;
	for (size_t i = 0; i < COUNT(TABLE); i++) {
		assert_next(&schedule, i, 5000);
		schedule_ran(&schedule, i, JOB_DONE, 5000);
	}
	assert_next(&schedule, OFTEN, 5100);
}

static void an_interval_counts_from_the_end_of_a_run(void **state)
{
	struct schedule schedule = schedule_at(0);

	(void)state;
	schedule_ran(&schedule, OFTEN, JOB_DONE, 0);
	schedule_ran(&schedule, RARELY, JOB_DONE, 0);
	schedule_ran(&schedule, SOMETIMES, JOB_DONE, 40); /* took 40 ms */
	assert_next(&schedule, OFTEN, 100);
	schedule_ran(&schedule, OFTEN, JOB_DONE, 2000); /* hung */
	assert_next(&schedule, SOMETIMES, 1040);
	schedule_ran(&schedule, SOMETIMES, JOB_DONE, 2001);
	assert_next(&schedule, OFTEN, 2100);
}

/* A job with a million rows to delete must not keep the others from running. */
static void more_lets_others_first(void **state)
{
	struct schedule schedule = schedule_at(0);
	int64_t now = 0, due;
	unsigned ran[COUNT(TABLE)] = { 0 };

	(void)state;
	while (now < 10000) {
		size_t job = schedule_next(&schedule, &due);

		now = due > now ? due : now;
		ran[job]++;
		now += 10;
		schedule_ran(&schedule, job, job == RARELY ? JOB_MORE : JOB_DONE, now);
	}
	assert_in_range(ran[OFTEN], 75, 100);
	assert_in_range(ran[SOMETIMES], 9, 11);
	assert_true(ran[RARELY] > 800);
}

static void what_failed_is_tried_again_soon(void **state)
{
	struct schedule schedule = schedule_at(0);

	(void)state;
	schedule_ran(&schedule, OFTEN, JOB_FAILED, 1);
	schedule_ran(&schedule, RARELY, JOB_FAILED, 1);
	schedule_ran(&schedule, SOMETIMES, JOB_DONE, 20000);
	assert_next(&schedule, OFTEN, 101);
	schedule_ran(&schedule, OFTEN, JOB_DONE, 20000);
	assert_next(&schedule, RARELY, 1 + SCHEDULE_RETRY_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_the_start_all_are_due_in_order),
		cmocka_unit_test(an_interval_counts_from_the_end_of_a_run),
		cmocka_unit_test(more_lets_others_first),
		cmocka_unit_test(what_failed_is_tried_again_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
