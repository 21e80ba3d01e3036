/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from outside: what has one meaning passes, all else is refused at the byte where it goes
 * wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/json_strict.h"
#include "core/arena.h"

#define DEPTH 8

static const struct slice ACCEPTED[] = {
	SLICE_LITERAL("{}"),
	SLICE_LITERAL(" \t\r\n{ } \n"),
	SLICE_LITERAL("[]"),
	SLICE_LITERAL("null"),
	SLICE_LITERAL("12"),
	SLICE_LITERAL("-0"),
	SLICE_LITERAL("\"\""),
	SLICE_LITERAL("[1, -2, 0.5, 1e3, 1E+2, 2.5e-3]"),
	SLICE_LITERAL("[9223372036854775807, -9223372036854775808]"),
	SLICE_LITERAL("{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}]}"),
	SLICE_LITERAL("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\""),
	SLICE_LITERAL("\"\\ud83d\\ude00\""),
	SLICE_LITERAL("\"\x7f\xc3\xa9\xf0\x9f\x98\x80\""),
	SLICE_LITERAL("[[[[[[[[]]]]]]]]"),
};

static const struct {
	struct slice text;
	size_t offset;
	const char *why;
} REFUSED[] = {
	{ SLICE_LITERAL(""), 0, "nothing" },
	{ SLICE_LITERAL("   "), 3, "only space" },
	{ SLICE_LITERAL("{"), 1, "no end" },
	{ SLICE_LITERAL("[1"), 2, "no end" },
	{ SLICE_LITERAL("[1,]"), 3, "comma before the end" },
	{ SLICE_LITERAL("{\"a\":1,}"), 7, "comma before the end" },
	{ SLICE_LITERAL("{a:1}"), 1, "bare key" },
	{ SLICE_LITERAL("{'a':1}"), 1, "single quotes" },
	{ SLICE_LITERAL("{\"a\" 1}"), 5, "no colon" },
	{ SLICE_LITERAL("{\"a\":1]"), 6, "wrong bracket" },
	{ SLICE_LITERAL("[1 2]"), 3, "no comma" },
	{ SLICE_LITERAL("{} {}"), 3, "a second value" },
	{ SLICE_LITERAL("{}\0"), 2, "NUL behind it" },
	{ SLICE_LITERAL("\xef\xbb\xbf{}"), 0, "byte order mark" },
	{ SLICE_LITERAL("[1] // no"), 4, "comment" },
	{ SLICE_LITERAL("NaN"), 0, "no number" },
	{ SLICE_LITERAL("Infinity"), 0, "no number" },
	{ SLICE_LITERAL("-"), 1, "no digits" },
	{ SLICE_LITERAL("+1"), 0, "plus sign" },
	{ SLICE_LITERAL("01"), 2, "leading zero" },
	{ SLICE_LITERAL("-01"), 3, "leading zero" },
	{ SLICE_LITERAL("1."), 2, "no digits behind the point" },
	{ SLICE_LITERAL(".5"), 0, "no digits before the point" },
	{ SLICE_LITERAL("1e"), 2, "no exponent" },
	{ SLICE_LITERAL("0x10"), 1, "hexadecimal" },
	{ SLICE_LITERAL("[9223372036854775808]"), 1, "above int64: json-c would saturate" },
	{ SLICE_LITERAL("[-9223372036854775809]"), 1, "below int64" },
	{ SLICE_LITERAL("[1e999]"), 1, "infinite" },
	{ SLICE_LITERAL("tru"), 0, "half a word" },
	{ SLICE_LITERAL("True"), 0, "wrong case" },
	{ SLICE_LITERAL("\"a"), 2, "no closing quote" },
	{ SLICE_LITERAL("\"a\nb\""), 2, "raw line feed" },
	{ SLICE_LITERAL("\"a\0b\""), 2, "raw NUL" },
	{ SLICE_LITERAL("\"\\x41\""), 1, "unknown escape" },
	{ SLICE_LITERAL("\"\\u00\""), 1, "half an escape" },
	{ SLICE_LITERAL("\"\\u 041\""), 1, "space in an escape" },
	{ SLICE_LITERAL("\"\\u0000\""), 1, "NUL by escape" },
	{ SLICE_LITERAL("\"\\ud800\""), 1, "lone high surrogate" },
	{ SLICE_LITERAL("\"\\udc00\""), 1, "lone low surrogate" },
	{ SLICE_LITERAL("\"\\ud800\\ud800\""), 1, "two high surrogates" },
	{ SLICE_LITERAL("\"\xff\""), 1, "no UTF-8" },
	{ SLICE_LITERAL("\"\xc0\xaf\""), 1, "overlong" },
	{ SLICE_LITERAL("\"\xed\xa0\x80\""), 1, "surrogate in UTF-8" },
	{ SLICE_LITERAL("\"\xf4\x90\x80\x80\""), 1, "above U+10FFFF" },
	{ SLICE_LITERAL("{\"a\":1,\"a\":2}"), 7, "the same key twice" },
	{ SLICE_LITERAL("{\"a\":1,\"\\u0061\":2}"), 7, "the same key, spelt otherwise" },
	{ SLICE_LITERAL("{\"\xc3\xa9\":1,\"\\u00e9\":2}"), 8, "the same key, spelt otherwise" },
	{ SLICE_LITERAL("[[[[[[[[[]]]]]]]]]"), 8, "too deep" },
};

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ACCEPTED) / sizeof(ACCEPTED[0]); i++) {
		struct json_object *value = NULL;
		struct json_fault fault = json_strict_parse(ACCEPTED[i], DEPTH, &value);

		if (fault.detail)
			fail_msg("%.*s: %s at %zu", SLICE_ARG(ACCEPTED[i]), fault.detail,
				 fault.offset);
		json_object_put(value);
	}
}

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
		struct json_object *value = NULL;
		struct json_fault fault = json_strict_parse(REFUSED[i].text, DEPTH, &value);

		if (!fault.detail)
			fail_msg("accepted: %s", REFUSED[i].why);
		if (fault.offset != REFUSED[i].offset)
			fail_msg("%s: at %zu, not %zu", REFUSED[i].why, fault.offset,
				 REFUSED[i].offset);
		assert_null(value);
	}
}

/* Any beginning of an object is broken, and never read past its end. */
static void test_truncation(void **state)
{
	static const char TEXT[] =
		"{\"a\":[1,2.5e1,\"\\ud83d\\ude00\\n\"],\"b\":{\"c\":null,\"d\":true}}";

	(void)state;
	for (size_t len = 0; len < sizeof(TEXT) - 1; len++) {
		struct arena *arena = arena_new(0);
		struct slice copy = arena_copy(arena, slice_from(TEXT, len));

		assert_non_null(json_strict_check(copy, DEPTH).detail);
		arena_free(arena);
	}
	assert_null(json_strict_check(slice_from(TEXT, sizeof(TEXT) - 1), DEPTH).detail);
}

static void test_members_are_bounded(void **state)
{
	char text[JSON_STRICT_MEMBERS * 16];
	size_t len = 1;

	(void)state;
	text[0] = '{';
	for (unsigned i = 0; i <= JSON_STRICT_MEMBERS; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\"k%u\":0", i ? "," : "",
					i);
		if (i == JSON_STRICT_MEMBERS - 1) {
			text[len] = '}';
			assert_null(json_strict_check(slice_from(text, len + 1), DEPTH).detail);
		}
	}
	text[len++] = '}';
	assert_string_equal(json_strict_check(slice_from(text, len), DEPTH).detail,
			    "an object with too many members");
}

static void test_values_survive(void **state)
{
	struct json_object *value = NULL;
	struct json_object *text;

	(void)state;
	assert_null(json_strict_parse(SLICE("{\"t\":\"a\\u00e9\\ud83d\\ude00\",\"n\":-7}"), DEPTH,
				      &value)
			    .detail);
	text = json_object_object_get(value, "t");
	assert_int_equal(json_object_get_string_len(text), 7);
	assert_memory_equal(json_object_get_string(text), "a\xc3\xa9\xf0\x9f\x98\x80", 7);
	assert_int_equal(json_object_get_int64(json_object_object_get(value, "n")), -7);
	json_object_put(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),       cmocka_unit_test(test_refused),
		cmocka_unit_test(test_truncation),     cmocka_unit_test(test_members_are_bounded),
		cmocka_unit_test(test_values_survive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
