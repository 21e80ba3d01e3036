/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SPF: the whole public test suite of RFC 7208, where $BOUNCED_CORPUS says where it is, and what
 * the suite does not look at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ingest/spf.h"
#include "tests/zone.h"

#define SUITE "spf/rfc7208-tests.yml"
/* In the suite as of release 2014.04. */
#define SUITE_TESTS 150
/* Questions of one check, each with a run: more means that it does not end. */
#define ROUNDS_MAX 40

static struct arena *arena;
static struct zone zone;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	zone.count = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct auth_spf check(struct slice ip, struct slice helo, struct slice mail_from)
{
	struct spf_input input = { .helo = helo, .mail_from = mail_from };
	struct dns_table *table = dns_table_new(arena);
	struct auth_spf spf = { .result = AUTH_WAITING };

	assert_true(ip_parse(ip, &input.ip));
	for (unsigned round = 0; spf.result == AUTH_WAITING; round++) {
		assert_true(round < ROUNDS_MAX);
		spf = spf_check(&input, table, arena);
		assert_int_equal(spf.result == AUTH_WAITING, zone_feed(&zone, table, arena));
	}
	return spf;
}

static const char *result_for(const char *ip, const char *mail_from)
{
	struct auth_spf spf =
		check(slice_from_cstr(ip), SLICE("helo.example"), slice_from_cstr(mail_from));

	return auth_result_word(spf.result);
}

static void add_txt(const char *name, const char *text)
{
	zone_add(&zone, slice_from_cstr(name), DNS_TXT, slice_from_cstr(text));
}

/* -- the suite -- */

static struct slice next_word(struct slice *line)
{
	struct slice word = SLICE_NONE;

	(void)slice_next_field(line, ' ', &word);
	return word;
}

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static struct slice unhex(struct slice hex)
{
	char *bytes = arena_alloc(arena, hex.len / 2 + 1);

	if (slice_equal(hex, SLICE("-")))
		return SLICE_NONE;
	for (size_t i = 0; i < hex.len / 2; i++)
		bytes[i] = (char)(hex_digit(hex.ptr[2 * i]) << 4 | hex_digit(hex.ptr[2 * i + 1]));
	return slice_from(bytes, hex.len / 2);
}

static int type_of(struct slice word)
{
	static const struct {
		const char *word;
		int type;
	} types[] = { { "A", DNS_A },     { "AAAA", DNS_AAAA }, { "MX", DNS_MX },
		      { "PTR", DNS_PTR }, { "TXT", DNS_TXT },   { "CNAME", ZONE_CNAME } };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (slice_equal(word, slice_from_cstr(types[i].word)))
			return types[i].type;
	fail_msg("type %.*s", SLICE_ARG(word));
	return -1;
}

static bool is_one_of(struct slice word, struct slice words)
{
	for (struct slice one; slice_next_field(&words, ',', &one);)
		if (slice_equal(one, word))
			return true;
	return false;
}

/* 1 where it fails */
static unsigned run_suite_test(struct slice line)
{
	struct slice name = next_word(&line), ip = next_word(&line);
	struct slice helo = unhex(next_word(&line)), mail_from = unhex(next_word(&line));
	struct slice got = slice_from_cstr(auth_result_word(check(ip, helo, mail_from).result));

	if (is_one_of(got, line))
		return 0;
	print_error("%.*s: %.*s, not %.*s\n", SLICE_ARG(name), SLICE_ARG(got), SLICE_ARG(line));
	return 1;
}

static void read_zone_line(struct slice kind, struct slice line)
{
	struct slice name = unhex(next_word(&line));
	int type = slice_equal(kind, SLICE("record")) ? type_of(next_word(&line)) : 0;

	zone_add(&zone, name, type, unhex(line));
}

/* The suite as lines, from the program that reads YAML. */
static FILE *start_converter(char *path, pid_t *ret_process)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	*ret_process = fork();
	assert_true(*ret_process >= 0);
	if (*ret_process == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execl("/usr/bin/python3", "python3", "tests/spf_suite.py", path, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	FILE *lines = fdopen(ends[0], "r");

	assert_non_null(lines);
	return lines;
}

static void test_suite(void **state)
{
	const char *corpus = getenv("BOUNCED_CORPUS");
	unsigned tests = 0, failures = 0;
	int status;
	char buffer[65536];

	(void)state;
	if (corpus == NULL) {
		print_message("# the suite is looked for in $BOUNCED_CORPUS/" SUITE "\n");
		skip();
	}
	pid_t converter;
	FILE *lines = start_converter(arena_cstr(arena, arena_printf(arena, "%s/" SUITE, corpus)),
				      &converter);

	while (fgets(buffer, sizeof(buffer), lines) != NULL) {
		struct slice line = arena_copy(arena, slice_trim(slice_from_cstr(buffer)));
		struct slice kind = next_word(&line);

		if (slice_equal(kind, SLICE("scenario"))) {
			zone.count = 0;
		} else if (slice_equal(kind, SLICE("test"))) {
			failures += run_suite_test(line);
			tests++;
		} else if (!slice_empty(kind)) {
			read_zone_line(kind, line);
		}
	}
	fclose(lines);
	assert_int_equal(waitpid(converter, &status, 0), converter);
	assert_int_equal(status, 0);
	assert_true(tests > SUITE_TESTS);
	assert_int_equal(failures, 0);
}

/* -- what the suite does not look at -- */

static void test_the_null_sender_is_checked_by_its_helo(void **state)
{
	(void)state;
	add_txt("mx.sender.example", "v=spf1 ip4:192.0.2.1 -all");
	struct auth_spf spf = check(SLICE("192.0.2.1"), SLICE("MX.sender.example"), SLICE_NONE);

	assert_int_equal(spf.result, AUTH_PASS);
	assert_true(spf.helo);
	assert_true(slice_equal(spf.domain, SLICE("mx.sender.example")));
}

static void test_an_unqualified_helo_proves_nothing(void **state)
{
	(void)state;
	add_txt("localhost", "v=spf1 +all");
	assert_int_equal(check(SLICE("192.0.2.1"), SLICE("localhost"), SLICE_NONE).result,
			 AUTH_NONE);
}

static void test_networks_of_both_families(void **state)
{
	(void)state;
	add_txt("sender.example", "v=spf1 ip6:2001:db8::/32 ip4:192.0.2.0/25 ~all");
	assert_string_equal(result_for("192.0.2.127", "a@sender.example"), "pass");
	assert_string_equal(result_for("192.0.2.128", "a@sender.example"), "softfail");
	assert_string_equal(result_for("2001:db8:1::1", "a@sender.example"), "pass");
	assert_string_equal(result_for("::ffff:192.0.2.7", "a@sender.example"), "pass");
	assert_string_equal(result_for("2001:db9::1", "sender.example"), "softfail");
}

/* A record can make us ask as often as the limits of the RFC allow; our own limit is lower. */
static void test_many_questions_end(void **state)
{
	char host[64];

	(void)state;
	add_txt("flood.example", "v=spf1 mx:m0.example mx:m1.example mx:m2.example mx:m3.example"
				 " mx:m4.example mx:m5.example mx:m6.example mx:m7.example -all");
	for (unsigned i = 0; i < 80; i++) {
		snprintf(host, sizeof(host), "m%u.example", i / 10);
		struct slice name = arena_copy(arena, slice_from_cstr(host));

		snprintf(host, sizeof(host), "h%u.example", i);
		struct slice exchange = arena_copy(arena, slice_from_cstr(host));

		zone_add(&zone, name, DNS_MX, exchange);
		zone_add(&zone, exchange, DNS_A, SLICE("\x0a\0\0\1"));
	}
	assert_string_equal(result_for("192.0.2.1", "a@flood.example"), "temperror");
}

static void test_broken_answers_do_no_harm(void **state)
{
	(void)state;
	add_txt("sender.example", "v=spf1 a:short.sender.example -all");
	zone_add(&zone, SLICE("short.sender.example"), DNS_A, SLICE("\xc0"));
	zone_add(&zone, SLICE("short.sender.example"), DNS_A, SLICE_NONE);
	assert_string_equal(result_for("192.0.2.1", "a@sender.example"), "fail");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_suite, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_null_sender_is_checked_by_its_helo, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_an_unqualified_helo_proves_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_networks_of_both_families, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_questions_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken_answers_do_no_harm, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
