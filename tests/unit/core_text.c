/* SPDX-License-Identifier: Apache-2.0 */
/* Slices, buffers, arena, encodings, UTF-8, JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/arena.h"
#include "core/buf.h"
#include "core/encoding.h"
#include "core/json.h"
#include "core/timestamp.h"
#include "core/utf8.h"

static int setup(void **state)
{
	*state = arena_new(64);
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static void assert_slice(struct slice s, const char *expected)
{
	assert_int_equal(s.len, strlen(expected));
	assert_memory_equal(s.ptr, expected, s.len);
}

static void test_slice_searches(void **state)
{
	(void)state;
	assert_int_equal(slice_find(SLICE("abcabd"), SLICE("abd")), 3);
	assert_int_equal(slice_find(SLICE("ab"), SLICE("abc")), -1);
	assert_int_equal(slice_find_nocase(SLICE("xxDeLivery"), SLICE("delivery")), 2);
	assert_int_equal(slice_find_nocase(SLICE("xx"), SLICE("delivery")), -1);
	assert_int_equal(slice_find_nocase(SLICE("aab"), SLICE("AB")), 1);
	assert_true(slice_ends_with_nocase(SLICE("a.Example.COM"), SLICE(".example.com")));
	assert_false(slice_equal_nocase(SLICE("abc"), SLICE("ab")));
	assert_true(slice_compare(SLICE("ab"), SLICE("abc")) < 0);
	assert_true(slice_compare(SLICE("b"), SLICE("abc")) > 0);
	assert_slice(slice_trim(SLICE(" \t\r\nx y\n ")), "x y");
	assert_slice(slice_skip(SLICE("abc"), 9), "");
}

/* Every place in texts around the sizes that are compared at once, and nothing that only looks so.
 */
static void test_slice_find_everywhere(void **state)
{
	char text[80];

	(void)state;
	for (size_t len = 1; len <= sizeof(text); len++) {
		for (size_t size = 1; size <= 20 && size <= len; size++) {
			struct slice needle = slice_from("needle in a hayStacK.", size);
			for (size_t at = 0; at + size <= len; at++) {
				memset(text, 'n', sizeof(text));
				memcpy(text + at, needle.ptr, size);
				ptrdiff_t expected = size == 1 ? 0 : (ptrdiff_t)at;
				assert_int_equal(slice_find(slice_from(text, len), needle),
						 expected);
				for (size_t i = at; i < at + size; i++)
					text[i] = (char)(text[i] >= 'a' ? text[i] - 32 : text[i]);
				assert_int_equal(slice_find_nocase(slice_from(text, len), needle),
						 size == 1 ? 0 : (ptrdiff_t)at);
				if (size > 2) {
					text[at + 1] = '\0';
					assert_int_equal(
						slice_find_nocase(slice_from(text, len), needle),
						-1);
				}
			}
		}
	}
}

static void test_lines_and_fields(void **state)
{
	struct slice rest = SLICE("one\r\n\ntwo"), line;

	(void)state;
	assert_true(slice_next_line(&rest, &line));
	assert_slice(line, "one");
	assert_true(slice_next_line(&rest, &line));
	assert_slice(line, "");
	assert_true(slice_next_line(&rest, &line));
	assert_slice(line, "two");
	assert_false(slice_next_line(&rest, &line));
	rest = SLICE("a=b");
	assert_true(slice_next_field(&rest, '=', &line));
	assert_slice(line, "a");
	assert_slice(rest, "b");
}

static void test_numbers(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_true(slice_to_u64(SLICE("18446744073709551615"), &value));
	assert_true(value == UINT64_MAX);
	assert_false(slice_to_u64(SLICE("18446744073709551616"), &value));
	assert_false(slice_to_u64(SLICE("99999999999999999999"), &value));
	assert_false(slice_to_u64(SLICE("-1"), &value));
	assert_false(slice_to_u64(SLICE("+1"), &value));
	assert_false(slice_to_u64(SLICE(" 1"), &value));
	assert_false(slice_to_u64(SLICE(""), &value));
	assert_true(value == UINT64_MAX); /* untouched on failure */
}

static void test_buf_keeps_its_maximum(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 10);
	buf_append(&buf, SLICE("12345678"));
	assert_false(buf.full);
	buf_append(&buf, SLICE("abc"));
	assert_true(buf.full);
	assert_slice(buf_slice(&buf), "12345678");
	buf_append(&buf, SLICE("x")); /* would fit, but something was lost already */
	assert_slice(buf_slice(&buf), "12345678");
	buf_consume(&buf, 3);
	assert_slice(buf_slice(&buf), "45678");
	buf_reset(&buf);
	buf_append(&buf, SLICE("0123456789"));
	assert_false(buf.full);
	buf_done(&buf);
}

static void test_buf_printf_is_not_cut(void **state)
{
	struct buf buf;
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text));
	buf_init(&buf, 4000);
	buf_printf(&buf, "<%.*s>", (int)sizeof(text), text);
	assert_int_equal(buf.len, sizeof(text) + 2);
	assert_int_equal(buf.data[buf.len - 1], '>');
	buf_done(&buf);
}

static void test_arena(void **state)
{
	struct arena *arena = *state;
	char *first = arena_alloc(arena, 100000);

	assert_int_equal(first[99999], 0);
	first[99999] = 'x';
	for (unsigned i = 0; i < 1000; i++) {
		struct slice copy = arena_printf(arena, "%u", i);

		assert_int_equal(copy.ptr[copy.len], '\0');
	}
	arena_reset(arena);
	assert_int_equal(arena_used(arena), 0);
	char *again = arena_alloc(arena, 100);
	assert_int_equal(again[99], 0);
	assert_slice(arena_lower(arena, SLICE("AbÜ")), "abÜ");
}

static void test_base32_has_one_spelling(void **state)
{
	uint8_t bytes[8];
	char text[BASE32_LEN(5)];

	(void)state;
	assert_int_equal(base32_encode((const uint8_t *)"hello", 5, text), 8);
	assert_memory_equal(text, "nbswy3dp", 8);
	assert_int_equal(base32_decode(SLICE("NBSWY3DP"), bytes, sizeof(bytes)), 5);
	assert_memory_equal(bytes, "hello", 5);
	assert_int_equal(base32_decode(SLICE("nbswy3dp"), bytes, 4), -1); /* more than cap */
	assert_int_equal(base32_decode(SLICE("ab"), bytes, 8), -1);       /* slack bits */
	assert_int_equal(base32_decode(SLICE("aa"), bytes, 8), 1);
	assert_int_equal(base32_decode(SLICE("a"), bytes, 8), -1);   /* no such length */
	assert_int_equal(base32_decode(SLICE("aaa"), bytes, 8), -1); /* no such length */
	assert_int_equal(base32_decode(SLICE("aa======"), bytes, 8), -1);
}

static void test_hex_and_base64url(void **state)
{
	uint8_t bytes[8];
	char text[32];

	(void)state;
	assert_int_equal(hex_decode(SLICE("00fFa"), bytes, 8), -1);
	assert_int_equal(hex_decode(SLICE("00fF"), bytes, 8), 2);
	assert_int_equal(bytes[1], 255);
	size_t len = base64url_encode((const uint8_t *)"\xfb\xff\xfe", 3, text);
	assert_slice(slice_from(text, len), "-__-");
	assert_int_equal(base64url_decode(SLICE("-__-"), bytes, 8), 3);
	assert_int_equal(base64url_decode(SLICE("+//+"), bytes, 8), -1);
}

static void test_utf8_repair(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *repaired;
	} cases[] = {
		{ "plain ascii, long enough for words", 34, "plain ascii, long enough for words" },
		{ "\xC3\xBC", 2, "\xC3\xBC" },
		{ "a\0b", 3,
		  "a\xEF\xBF\xBD"
		  "b" },
		{ "\xFF", 1, "\xEF\xBF\xBD" },
		{ "\xC0\xAF", 2, "\xEF\xBF\xBD\xEF\xBF\xBD" },                 /* overlong */
		{ "\xED\xA0\x80", 3, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" }, /* surrogate */
		{ "\xF4\x90\x80\x80", 4, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
		{ "\xF4\x8F\xBF\xBF", 4, "\xF4\x8F\xBF\xBF" },
		{ "abcdefgh\xE2\x82", 10, "abcdefgh\xEF\xBF\xBD\xEF\xBF\xBD" }, /* cut short */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice text = slice_from(cases[i].text, cases[i].len);
		struct slice repaired = utf8_repair(*state, text);

		assert_slice(repaired, cases[i].repaired);
		assert_true(utf8_valid(repaired));
		assert_int_equal(utf8_valid(text), slice_equal(text, repaired));
	}
}

static void test_utf8_truncate_between_characters(void **state)
{
	(void)state;
	assert_slice(utf8_truncate(SLICE("a\xE2\x82\xAC"), 3), "a");
	assert_slice(utf8_truncate(SLICE("a\xE2\x82\xAC"), 4), "a\xE2\x82\xAC");
	assert_slice(utf8_truncate(SLICE("abc"), 2), "ab");
	assert_slice(utf8_truncate(SLICE("\xE2\x82\xAC"), 0), "");
}

static void test_utf8_round_trip(void **state)
{
	static const uint32_t codes[] = { 0x7F, 0x80, 0x7FF, 0x800, 0xFFFD, 0x10000, 0x10FFFF };

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		char bytes[4];
		struct slice text = slice_from(bytes, utf8_encode(codes[i], bytes));

		assert_int_equal(utf8_next(&text), codes[i]);
		assert_int_equal(text.len, 0);
	}
}

static void test_json_is_safe_to_print(void **state)
{
	struct buf out;
	struct json_writer json;

	(void)state;
	buf_init(&out, 1000);
	json_init(&json, &out);
	json_object_begin(&json);
	json_put_string(&json, "s",
			SLICE("q\"\\\n\x1b[2J\x7f\xC2\x9B\xE2\x80\xA8\xE2\x80\xAE\xFF/<ü"));
	json_put_string(&json, "nul", slice_from("a\0b", 3));
	json_put_optional(&json, "none", SLICE_NONE);
	json_put_int(&json, "n", INT64_MIN);
	json_put_bool(&json, "b", false);
	json_put_time(&json, "t", 1735689600123);
	json_put_time(&json, "t0", TIME_NONE);
	json_key(&json, "a");
	json_array_begin(&json);
	json_int(&json, 1);
	json_array_begin(&json);
	json_array_end(&json);
	json_null(&json);
	json_array_end(&json);
	json_object_end(&json);
	assert_slice(buf_slice(&out),
		     "{\"s\":\"q\\\"\\\\\\n\\u001b[2J\\u007f\\u009b\\u2028\\u202e\xEF\xBF\xBD/<ü\","
		     "\"nul\":\"a\xEF\xBF\xBD"
		     "b\",\"none\":null,\"n\":-9223372036854775808,\"b\":false,"
		     "\"t\":\"2025-01-01T00:00:00.123Z\",\"t0\":null,\"a\":[1,[],null]}");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slice_searches),
		cmocka_unit_test(test_slice_find_everywhere),
		cmocka_unit_test(test_lines_and_fields),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_buf_keeps_its_maximum),
		cmocka_unit_test(test_buf_printf_is_not_cut),
		cmocka_unit_test_setup_teardown(test_arena, setup, teardown),
		cmocka_unit_test(test_base32_has_one_spelling),
		cmocka_unit_test(test_hex_and_base64url),
		cmocka_unit_test_setup_teardown(test_utf8_repair, setup, teardown),
		cmocka_unit_test(test_utf8_truncate_between_characters),
		cmocka_unit_test(test_utf8_round_trip),
		cmocka_unit_test(test_json_is_safe_to_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
