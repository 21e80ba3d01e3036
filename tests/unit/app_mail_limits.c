/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

#include "app/mail_limits.h"
#include "app/refusal_log.h"

static void test_trusted_networks(void **state)
{
	static const struct {
		const char *text;
		size_t count;
		const char *error; /* NULL: none */
	} cases[] = {
		{ "", 0, NULL },
		{ "127.0.0.0/8 ::1", 2, NULL },
		{ "  192.0.2.7  ", 1, NULL },
		{ "192.0.2.0/24 here", 0, "smtp.trusted_networks: here is no network" },
		{ "192.0.2.0/33", 0, "smtp.trusted_networks: 192.0.2.0/33 is no network" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config config = { .smtp_trusted_networks = cases[i].text };
		struct mail_limits_trusted trusted;
		char error[100] = "";

		assert_int_equal(mail_limits_trusted(&config, &trusted, error, sizeof(error)),
				 cases[i].error == NULL);
		if (cases[i].error == NULL)
			assert_int_equal(trusted.count, cases[i].count);
		else
			assert_string_equal(error, cases[i].error);
	}
}

static void test_too_many_trusted_networks(void **state)
{
	char text[(MAIL_LIMITS_NETWORKS + 1) * 4 + 1] = "", error[100];
	struct config config = { .smtp_trusted_networks = text };
	struct mail_limits_trusted trusted;

	(void)state;
	for (int i = 0; i < MAIL_LIMITS_NETWORKS; i++)
		memcpy(text + 4 * i, "::1 ", 4);
	assert_true(mail_limits_trusted(&config, &trusted, error, sizeof(error)));
	memcpy(text + 4 * MAIL_LIMITS_NETWORKS, "::2 ", 4);
	assert_false(mail_limits_trusted(&config, &trusted, error, sizeof(error)));
	assert_string_equal(error, "smtp.trusted_networks: ::2 is one too many");
}

static void test_an_earlier_programs_limits(void **state)
{
	struct config config = { .smtp_max_connections = 100, .smtp_prefix_rate = 1 };
	int descriptor = -1, same, kept;
	struct peer_limits *first = mail_limits_open(&config, 1, &descriptor), *next;

	(void)state;
	refusal_add(peer_limits_refusals(first), REFUSED_JUNK);
	same = descriptor;
	kept = dup(descriptor);
	config.smtp_max_connections = 50;
	next = mail_limits_open(&config, 1, &descriptor);
	assert_int_equal(descriptor, same);
	assert_int_equal(refusal_read(peer_limits_refusals(next), REFUSED_JUNK), 1);
	assert_int_equal(peer_limits_capacity(first), 50);
	peer_limits_free(next);
	/* too small a table, or too few seats */
	config.smtp_max_connections = 100000;
	assert_false(mail_limits_apply(&config, first));
	next = mail_limits_open(&config, 1, &descriptor);
	assert_int_equal(refusal_read(peer_limits_refusals(next), REFUSED_JUNK), 0);
	peer_limits_free(next);
	close(descriptor);
	descriptor = kept;
	config.smtp_max_connections = 50;
	next = mail_limits_open(&config, 64, &descriptor);
	assert_int_equal(refusal_read(peer_limits_refusals(next), REFUSED_JUNK), 1);
	peer_limits_free(next);
	for (unsigned seat = 0; seat < 10; seat++)
		peer_limits_sit(first, seat, 100);
	next = mail_limits_open(&config, 55, &descriptor);
	assert_int_equal(refusal_read(peer_limits_refusals(next), REFUSED_JUNK), 0);
	peer_limits_free(next);
	peer_limits_free(first);
	close(descriptor);
}

/* The next line is due ten minutes on, whether there was anything to write or not. */
static void test_when_refusals_are_written(void **state)
{
	const struct config config = { .smtp_max_connections = 1 };
	int descriptor = -1;
	struct peer_limits *limits = mail_limits_open(&config, 1, &descriptor);
	struct refusal_log log;

	(void)state;
	refusal_log_init(&log, limits, 1000);
	assert_int_equal(refusal_log_do_due(&log, 2000), 1000 + REFUSAL_LOG_MS);
	refusal_add(peer_limits_refusals(limits), REFUSED_JUNK);
	assert_int_equal(refusal_log_do_due(&log, REFUSAL_LOG_MS), 1000 + REFUSAL_LOG_MS);
	assert_int_equal(log.written, 0);
	assert_int_equal(refusal_log_do_due(&log, 1000 + REFUSAL_LOG_MS),
			 1000 + 2 * REFUSAL_LOG_MS);
	assert_int_equal(log.written, 1);
	refusal_add(peer_limits_refusals(limits), REFUSED_SIZE);
	refusal_log_write(&log);
	assert_int_equal(log.written, 2);
	peer_limits_free(limits);
	close(descriptor);

	refusal_log_init(&log, NULL, 1000);
	refusal_log_write(&log);
	assert_true(refusal_log_do_due(&log, INT64_MAX - 1) == INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trusted_networks),
		cmocka_unit_test(test_too_many_trusted_networks),
		cmocka_unit_test(test_an_earlier_programs_limits),
		cmocka_unit_test(test_when_refusals_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
