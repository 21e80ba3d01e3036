/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/timestamp.h"
#include "ingest/policy.h"

/* One report may say failed of one recipient and delivered of the next: each is judged by itself.
 */
static void test_each_recipient_is_judged_by_its_own_action(void **state)
{
	static const struct {
		enum report_action action;
		bool suppress;
	} cases[] = {
		{ ACTION_FAILED, true },     { ACTION_NONE, true },     { ACTION_DELAYED, false },
		{ ACTION_DELIVERED, false }, { ACTION_RELAYED, false }, { ACTION_EXPANDED, false },
	};
	const struct report report = { .kind = REPORT_BOUNCE, .arrival_date = TIME_NONE };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct report_recipient recipient = {
			.action = cases[i].action,
			.reason = REASON_USERUNKNOWN,
			.severity = SEVERITY_HARD,
			.status = SLICE("5.1.1"),
			.reply_code = SLICE("550"),
		};

		assert_int_equal(policy_decide(&report, &recipient).suppress, cases[i].suppress);
	}
}

static void test_a_bounce_without_recipients_suppresses_nobody(void **state)
{
	const struct report report = { .kind = REPORT_BOUNCE, .arrival_date = TIME_NONE };

	(void)state;
	assert_false(policy_decide(&report, NULL).suppress);
}

static void test_a_host_that_takes_no_mail_is_hard_only_for_good(void **state)
{
	const struct report report = { .kind = REPORT_BOUNCE, .arrival_date = TIME_NONE };
	struct report_recipient recipient = { .action = ACTION_FAILED,
					      .reason = REASON_NOTACCEPT,
					      .severity = SEVERITY_SOFT };

	(void)state;
	assert_false(policy_decide(&report, &recipient).suppress);
	recipient.severity = SEVERITY_HARD;
	assert_true(policy_decide(&report, &recipient).suppress);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_recipient_is_judged_by_its_own_action),
		cmocka_unit_test(test_a_bounce_without_recipients_suppresses_nobody),
		cmocka_unit_test(test_a_host_that_takes_no_mail_is_hard_only_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
