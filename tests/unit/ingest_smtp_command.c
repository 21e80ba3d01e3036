/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/smtp_command.h"

static void test_reads_verb_and_arguments(void **state)
{
	static const struct {
		struct slice line;
		enum smtp_verb verb;
		struct slice arguments;
	} cases[] = {
		{ SLICE_LITERAL("QUIT"), SMTP_VERB_QUIT, SLICE_LITERAL("") },
		{ SLICE_LITERAL("quit \t "), SMTP_VERB_QUIT, SLICE_LITERAL("") },
		{ SLICE_LITERAL("eHlO  mx.example "), SMTP_VERB_EHLO, SLICE_LITERAL("mx.example") },
		{ SLICE_LITERAL("MAIL FROM:<> SIZE=1"), SMTP_VERB_MAIL,
		  SLICE_LITERAL("FROM:<> SIZE=1") },
		{ SLICE_LITERAL("NOOP\tx"), SMTP_VERB_NOOP, SLICE_LITERAL("x") },
		{ SLICE_LITERAL("BDAT 20 LAST"), SMTP_VERB_BDAT, SLICE_LITERAL("20 LAST") },
		{ SLICE_LITERAL("VRFY \xC3\xBC"), SMTP_VERB_VRFY, SLICE_LITERAL("\xC3\xBC") },
		{ SLICE_LITERAL("POST / HTTP/1.1"), SMTP_VERB_HTTP, SLICE_LITERAL("/ HTTP/1.1") },
		{ SLICE_LITERAL("get /"), SMTP_VERB_HTTP, SLICE_LITERAL("/") },
		{ SLICE_LITERAL("PRI * HTTP/2.0"), SMTP_VERB_HTTP, SLICE_LITERAL("* HTTP/2.0") },
		{ SLICE_LITERAL("DATA1"), SMTP_VERB_UNKNOWN, SLICE_LITERAL("1") },
		{ SLICE_LITERAL("DAT"), SMTP_VERB_UNKNOWN, SLICE_LITERAL("") },
		{ SLICE_LITERAL("DATAA"), SMTP_VERB_UNKNOWN, SLICE_LITERAL("") },
		{ SLICE_LITERAL("MAIL:x"), SMTP_VERB_UNKNOWN, SLICE_LITERAL(":x") },
		{ SLICE_LITERAL(" QUIT"), SMTP_VERB_UNKNOWN, SLICE_LITERAL("QUIT") },
		{ SLICE_LITERAL("XCLIENT a"), SMTP_VERB_UNKNOWN, SLICE_LITERAL("a") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct smtp_command command;

		assert_true(smtp_command_parse(cases[i].line, &command));
		assert_int_equal(command.verb, cases[i].verb);
		assert_true(slice_equal(command.arguments, cases[i].arguments));
	}
}

static void test_refuses_control_characters_and_nothing(void **state)
{
	static const struct slice lines[] = {
		SLICE_LITERAL(""),
		SLICE_LITERAL("MAIL FROM:<a\0b@c.example>"),
		SLICE_LITERAL("RCPT TO:<a@b.example>\0<evil@x.example>"),
		SLICE_LITERAL("\0QUIT"),
		SLICE_LITERAL("QUIT\0"),
		SLICE_LITERAL("EHLO a\x1b[2J"),
		SLICE_LITERAL("EHLO a\x7f"),
		SLICE_LITERAL("RCPT TO:<a\r250 x@b.example>"),
		SLICE_LITERAL("EHLO x\nMAIL FROM:<>"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct smtp_command command;

		assert_false(smtp_command_parse(lines[i], &command));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_verb_and_arguments),
		cmocka_unit_test(test_refuses_control_characters_and_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
