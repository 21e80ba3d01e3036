/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/config.h"

static int setup(void **state)
{
	*state = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static void test_defaults(void **state)
{
	struct config config;
	struct slice error;

	assert_int_equal(config_parse(SLICE(""), "x", *state, &config, &error), OK);
	assert_int_equal(config.smtp.port, 2525);
	assert_true(config.smtp_pipelining);
	assert_string_equal(config.log_level, "info");
	assert_false(config.database_allow_unsafe);
}

static void test_reads_values(void **state)
{
	struct config config;
	struct slice error;
	struct slice text = SLICE(
		"# a comment\n\n  smtp.port=25\r\nsmtp.pipelining = false\n"
		"database.dsn = host=/tmp dbname=x # no comment here\nsmtp.bare_eol = reject");

	assert_int_equal(config_parse(text, "x", *state, &config, &error), OK);
	assert_int_equal(config.smtp.port, 25);
	assert_false(config.smtp_pipelining);
	assert_string_equal(config.database_dsn, "host=/tmp dbname=x # no comment here");
	assert_string_equal(config.smtp_bare_eol, "reject");
}

static void test_errors_name_the_key_and_the_line(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "smtp.prot = 25\n", "f:1: unknown key smtp.prot" },
		{ "\n# c\nsmtp.port = x\n",
		  "f:3: smtp.port must be a whole number from 0 to 65535" },
		{ "smtp.port = 65537", "f:1: smtp.port must be a whole number from 0 to 65535" },
		{ "smtp.port = 65536", "f:1: smtp.port must be a whole number from 0 to 65535" },
		{ "smtp.port = -1", "f:1: smtp.port must be a whole number from 0 to 65535" },
		{ "smtp.port = 25\nsmtp.port = 26", "f:2: smtp.port was given in line 1 already" },
		{ "smtp.pipelining = yes", "f:1: smtp.pipelining must be true or false" },
		{ "smtp.bare_eol = maybe", "f:1: smtp.bare_eol must be one of: data reject" },
		{ "smtp.port 25", "f:1: expected `key = value`" },
		{ "smtp.port = \xff", "f:1: not UTF-8" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config config = { .smtp = { .port = 7 } };
		struct slice error = SLICE_NONE;

		assert_int_equal(
			config_parse(slice_from_cstr(cases[i].text), "f", *state, &config, &error),
			ERR_REFUSE);
		assert_int_equal(error.len, strlen(cases[i].error));
		assert_memory_equal(error.ptr, cases[i].error, error.len);
		assert_int_equal(config.smtp.port, 7); /* untouched */
	}
}

static void test_the_environment_overrides(void **state)
{
	struct config config;
	struct slice error = SLICE_NONE;

	assert_int_equal(setenv("BOUNCED_SMTP_PORT", "2600", 1), 0);
	assert_int_equal(config_load("/dev/null", *state, &config, &error), OK);
	assert_int_equal(config.smtp.port, 2600);
	assert_int_equal(setenv("BOUNCED_SMTP_PORT", "many", 1), 0);
	assert_int_equal(config_load("/dev/null", *state, &config, &error), ERR_REFUSE);
	assert_string_equal(error.ptr,
			    "environment variable BOUNCED_SMTP_PORT must be a whole number "
			    "from 0 to 65535");
	unsetenv("BOUNCED_SMTP_PORT");
	assert_int_equal(config_load("/nonexistent/file", *state, &config, &error), ERR_REFUSE);
	assert_string_equal(error.ptr, "/nonexistent/file: No such file or directory");
}

static void test_what_is_printed_is_read_again(void **state)
{
	struct config config, again;
	struct slice error;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(config_parse(SLICE("smtp.port = 26\nuser = bounced\n"), "x", *state,
				      &config, &error),
			 OK);
	config_print(&config, out);
	fclose(out);
	assert_int_equal(config_parse(slice_from(text, len), "printed", *state, &again, &error),
			 OK);
	assert_int_equal(again.smtp.port, 26);
	assert_string_equal(again.user, "bounced");
	assert_string_equal(again.smtp_role_names, config.smtp_role_names);
	free(text);
}

static void test_what_wants_a_restart(void **state)
{
	struct config running, wanted;
	struct slice error;
	struct arena *scratch = arena_new(0);

	assert_int_equal(config_parse(SLICE("user = bounced\n"), "x", scratch, &running, &error),
			 OK);
	running = config_copy(&running, *state);
	arena_free(scratch);
	assert_string_equal(running.user, "bounced");
	assert_int_equal(config_parse(SLICE("user = bounced\nsmtp.size = 70000\n"), "x", *state,
				      &wanted, &error),
			 OK);
	assert_true(slice_empty(config_restart_keys(&running, &wanted, *state)));
	assert_int_equal(config_parse(SLICE("user = other\nsmtp.port = 26\nlog.level = debug\n"),
				      "x", *state, &wanted, &error),
			 OK);
	assert_true(slice_equal(config_restart_keys(&running, &wanted, *state),
				SLICE("smtp.port user")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reads_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errors_name_the_key_and_the_line, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_the_environment_overrides, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_printed_is_read_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_wants_a_restart, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
