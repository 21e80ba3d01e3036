/* SPDX-License-Identifier: Apache-2.0 */
/* Field blocks as machine-readable parts have them in fact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "parser/fields.h"
#include "parser/redaction.h"
#include "tests/unit/parser_helper.h"

/* "name=value|name=value||name=value": two bars where a block begins. */
static struct slice flatten(struct slice text)
{
	struct slice out = SLICE_NONE;
	struct fields fields;
	struct field field;

	fields_init(&fields, text, arena);
	while (fields_next(&fields, &field)) {
		const char *bar = out.len == 0 ? "" : field.begins_block ? "||" : "|";
		out = arena_printf(arena, "%.*s%s%.*s=%.*s", SLICE_ARG(out), bar,
				   SLICE_ARG(field.name), SLICE_ARG(field.value));
	}
	return out;
}

static void test_blocks(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
		const char *why;
	} ROWS[] = {
		{ "A: 1\nB: 2\n\nC: 3\n", "A=1|B=2||C=3", "blocks" },
		{ "A: 1\r\nB: 2\r\n\r\nC: 3\r\n", "A=1|B=2||C=3", "CRLF is no empty line" },
		{ "A: 1\n \t \nB: 2", "A=1||B=2", "a line of blanks is empty" },
		{ "A: one\n  two\n\tthree\nB:4", "A=one two three|B=4", "folds" },
		{ "A: one\n \nB: 2", "A=one||B=2", "a blank line does not fold" },
		{ "A : 1\n  stray\nnot a field\nB\t: 2", "A=1 stray|B=2",
		  "space before the colon" },
		{ "A:\n one", "A=one", "value on the next line" },
		{ "A:\nB:", "A=|B=", "empty values" },
		{ ": x\nA: 1", "A=1", "no name" },
		{ "\n\n\nA: 1", "A=1", "empty lines in front" },
		{ "X_a.b-1: 1", "X_a.b-1=1", "odd names" },
		{ "", "", "nothing" },
		{ "A", "", "cut" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct slice got = flatten(slice_from_cstr(ROWS[i].text));
		if (!slice_equal(got, slice_from_cstr(ROWS[i].expected)))
			fail_msg("%s: %.*s", ROWS[i].why, SLICE_ARG(got));
	}
}

static void test_types(void **state)
{
	static const struct {
		const char *value;
		const char *type;
		const char *rest;
	} ROWS[] = {
		{ "rfc822; user@example.com", "rfc822", "user@example.com" },
		{ "rfc822;user@example.com", "rfc822", "user@example.com" },
		{ "rfc/822 ; user@example.com", "rfc/822", "user@example.com" },
		{ "dns;", "dns", "" },
		{ "; mx.example", "", "mx.example" },
		{ "user@example.com", "", "user@example.com" },
		{ "550 5.1.1 no; really", "", "550 5.1.1 no; really" },
		{ "X-Unix; 127", "X-Unix", "127" },
		{ "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		assert_slice(field_type(slice_from_cstr(ROWS[i].value)), ROWS[i].type);
		assert_slice(field_untyped(slice_from_cstr(ROWS[i].value)), ROWS[i].rest);
	}
}

static void test_hosts(void **state)
{
	static const char *const ROWS[][2] = {
		{ "dns; mx.example (192.0.2.1)", "mx.example" },
		{ "dns;mx.example(TCP|x)", "mx.example" },
		{ "<relay.example>", "relay.example" },
		{ "192.0.2.1", "192.0.2.1" },
		{ "dns; [192.0.2.1]", "[192.0.2.1]" },
		{ "dns;", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++)
		assert_slice(field_host(slice_from_cstr(ROWS[i][0])), ROWS[i][1]);
}

static void test_recipients(void **state)
{
	static const struct {
		const char *value;
		const char *clean;
	} ROWS[] = {
		{ "user@example.com", "user@example.com" },
		{ " <user@example.com> ", "user@example.com" },
		{ "user@example.com>", "user@example.com" },
		{ "\"A User\" <user@example.com>", "user@example.com" },
		{ "<@relay.example,@mx.example:user@example.com>", "user@example.com" },
		{ "@mx.example:user@ims_daemon", "user@ims_daemon" },
		{ "user@example.com (expanded)", "user@example.com" },
		{ "user@example.com;", "user@example.com" },
		{ "mailto:user@example.com", "user@example.com" },
		{ "\"odd @ local\"@example.com", "\"odd @ local\"@example.com" },
		{ "=?utf-8?q?caf=C3=A9?=@example.com", "=?utf-8?q?caf=C3=A9?=@example.com" },
		{ "user", "user" },
		{ "<>", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++)
		assert_slice(recipient_clean(slice_from_cstr(ROWS[i].value)), ROWS[i].clean);
}

static void test_utf8_recipients(void **state)
{
	(void)state;
	assert_slice(recipient_unescape(arena, SLICE("\\x{1F408}@ex\\x{E4}mple.com")),
		     "🐈@exämple.com");
	assert_slice(recipient_unescape(arena, SLICE("a\\x{}\\x{110000}\\x{D800}\\x{41")),
		     "a\\x{}\\x{110000}\\x{D800}\\x{41");
	assert_slice(recipient_unescape(arena, SLICE("user@example.com")), "user@example.com");
}

static void test_redacted(void **state)
{
	static const char *const YES[] = { "redacted",
					   "redacted@example.net",
					   "hashed@example.com",
					   "REDACTED@",
					   "Undisclosed Recipients",
					   "undisclosed-recipients:;",
					   "xxxxxxxx@example.com",
					   "*****",
					   "this-local-part-does-not-exist-here@example.com",
					   "user@redacted.invalid",
					   "recipient@removed.invalid",
					   "[redacted]@example.com",
					   "redacted_user@example.com",
					   "masked@example.com",
					   "a***@example.com",
					   "[email protected]",
					   "" };
	static const char *const NO[] = {
		"user@example.com",   "red@example.com",          "x@example.com",
		"xavier@example.com", "editor.acted@example.com", "mask@example.com",
		"a*b@example.com"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(YES) / sizeof(YES[0]); i++) {
		if (!recipient_redacted(slice_from_cstr(YES[i])))
			fail_msg("%s is a placeholder", YES[i]);
	}
	for (size_t i = 0; i < sizeof(NO) / sizeof(NO[0]); i++) {
		if (recipient_redacted(slice_from_cstr(NO[i])))
			fail_msg("%s is an address", NO[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),          cmocka_unit_test(test_types),
		cmocka_unit_test(test_hosts),           cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_utf8_recipients), cmocka_unit_test(test_redacted),
	};

	return cmocka_run_group_tests(tests, parser_setup, parser_teardown);
}
