/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json_strict.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/encoding.h"
#include "core/limits.h"
#include "core/utf8.h"

/* Longer ones say nothing that a double or an int64 could hold. */
#define NUMBER_TEXT_MAX 64

/* One open object or array. */
struct level {
	bool object;
	size_t key_count;
	struct slice keys[JSON_STRICT_MEMBERS]; /* as written, without quotes */
};

struct scan {
	struct slice text;
	size_t at;
	const char *fault;
	unsigned depth;
	unsigned depth_max;
	struct level levels[LIMIT_JSON_DEPTH];
};

static bool fail(struct scan *scan, const char *detail)
{
	scan->fault = detail;
	return false;
}

/* '\0' at the end: NUL itself is no JSON outside of strings. */
static char peek(const struct scan *scan)
{
	return scan->at < scan->text.len ? scan->text.ptr[scan->at] : '\0';
}

static void skip_space(struct scan *scan)
{
	while (scan->at < scan->text.len && ascii_is_space(scan->text.ptr[scan->at]))
		scan->at++;
}

/* The four hex digits of \uXXXX, or -1. */
static int32_t hex_unit(struct slice text)
{
	uint8_t bytes[2];

	if (hex_decode(slice_head(text, 4), bytes, sizeof(bytes)) != 2)
		return -1;
	return bytes[0] << 8 | bytes[1];
}

/*
 * Takes one character of a string off *rest, escapes decoded. -1 where it is broken: an unknown
 * escape, half a surrogate pair, U+0000, a raw control byte, invalid UTF-8.
 */
static int32_t next_character(struct slice *rest)
{
	static const char ESCAPES[] = "\"\\/bfnrt", MEANINGS[] = "\"\\/\b\f\n\r\t";
	int32_t high, low;

	if (rest->ptr[0] != '\\') {
		int32_t c = utf8_next(rest);

		return c < 0x20 ? -1 : c;
	}
	if (rest->len < 2)
		return -1;
	if (rest->ptr[1] != 'u') {
		const char *escape = memchr(ESCAPES, rest->ptr[1], sizeof(ESCAPES) - 1);

		*rest = slice_skip(*rest, 2);
		return escape ? MEANINGS[escape - ESCAPES] : -1;
	}
	high = hex_unit(slice_skip(*rest, 2));
	*rest = slice_skip(*rest, 6);
	if (high <= 0 || (high >= 0xdc00 && high <= 0xdfff))
		return -1;
	if (high < 0xd800 || high > 0xdfff)
		return high;
	if (!slice_starts_with(*rest, SLICE("\\u")))
		return -1;
	low = hex_unit(slice_skip(*rest, 2));
	*rest = slice_skip(*rest, 6);
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* Both have been scanned: every character is sound. */
static bool strings_equal(struct slice a, struct slice b)
{
	while (!slice_empty(a) && !slice_empty(b))
		if (next_character(&a) != next_character(&b))
			return false;
	return slice_empty(a) && slice_empty(b);
}

static bool scan_string(struct scan *scan, struct slice *ret_raw)
{
	struct slice rest = slice_skip(scan->text, scan->at + 1);
	const char *begin = rest.ptr;

	while (!slice_empty(rest) && rest.ptr[0] != '"') {
		const char *before = rest.ptr;

		if (next_character(&rest) < 0) {
			scan->at = (size_t)(before - scan->text.ptr);
			return fail(scan, "a string with a broken character");
		}
	}
	scan->at = (size_t)(rest.ptr - scan->text.ptr);
	if (slice_empty(rest))
		return fail(scan, "a string without its end");
	*ret_raw = slice_from(begin, (size_t)(rest.ptr - begin));
	scan->at++;
	return true;
}

static size_t scan_digits(struct scan *scan)
{
	size_t from = scan->at;

	while (ascii_is_digit(peek(scan)))
		scan->at++;
	return scan->at - from;
}

/* json-c saturates silently where a number does not fit. */
static bool number_fits(struct slice text, bool integer)
{
	char copy[NUMBER_TEXT_MAX + 1];

	if (text.len > NUMBER_TEXT_MAX)
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	if (!integer)
		return isfinite(strtod(copy, NULL));
	errno = 0;
	strtoll(copy, NULL, 10);
	return errno == 0;
}

static bool scan_number(struct scan *scan)
{
	size_t from = scan->at, digits;
	bool integer = true;

	if (peek(scan) == '-')
		scan->at++;
	bool zero = peek(scan) == '0';
	digits = scan_digits(scan);
	if (digits == 0 || (zero && digits > 1))
		return fail(scan, "no JSON value");
	if (peek(scan) == '.') {
		integer = false;
		scan->at++;
		if (scan_digits(scan) == 0)
			return fail(scan, "a number without digits behind its point");
	}
	if (peek(scan) == 'e' || peek(scan) == 'E') {
		integer = false;
		scan->at++;
		if (peek(scan) == '+' || peek(scan) == '-')
			scan->at++;
		if (scan_digits(scan) == 0)
			return fail(scan, "a number without digits in its exponent");
	}
	if (number_fits(slice_from(scan->text.ptr + from, scan->at - from), integer))
		return true;
	scan->at = from;
	return fail(scan, "a number out of range");
}

/* Anything but an object or an array. */
static bool scan_scalar(struct scan *scan)
{
	static const struct slice WORDS[] = { SLICE_LITERAL("true"), SLICE_LITERAL("false"),
					      SLICE_LITERAL("null") };
	struct slice raw;

	if (peek(scan) == '"')
		return scan_string(scan, &raw);
	for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++)
		if (slice_starts_with(slice_skip(scan->text, scan->at), WORDS[i])) {
			scan->at += WORDS[i].len;
			return true;
		}
	return scan_number(scan);
}

/* `"key" :` */
static bool scan_key(struct scan *scan)
{
	struct level *level = &scan->levels[scan->depth - 1];
	size_t from = scan->at;
	struct slice key;

	if (peek(scan) != '"')
		return fail(scan, "an object member without a key");
	if (!scan_string(scan, &key))
		return false;
	for (size_t i = 0; i < level->key_count; i++)
		if (strings_equal(level->keys[i], key)) {
			scan->at = from;
			return fail(scan, "a key that stands twice in its object");
		}
	if (level->key_count == JSON_STRICT_MEMBERS)
		return fail(scan, "an object with too many members");
	level->keys[level->key_count++] = key;
	skip_space(scan);
	if (peek(scan) != ':')
		return fail(scan, "a key without a colon");
	scan->at++;
	skip_space(scan);
	return true;
}

/* Enters an object or array; *ret_done: it was empty, and is complete. */
static bool scan_open(struct scan *scan, bool *ret_done)
{
	bool object = peek(scan) == '{';

	if (scan->depth == scan->depth_max)
		return fail(scan, "nesting too deep");
	scan->levels[scan->depth].object = object;
	scan->levels[scan->depth].key_count = 0;
	scan->depth++;
	scan->at++;
	skip_space(scan);
	*ret_done = peek(scan) == (object ? '}' : ']');
	if (*ret_done) {
		scan->at++;
		scan->depth--;
		return true;
	}
	return !object || scan_key(scan);
}

/* After a complete value: closes what ends here, or steps to the next member or element. */
static bool scan_after_value(struct scan *scan)
{
	for (skip_space(scan); scan->depth > 0; skip_space(scan)) {
		bool object = scan->levels[scan->depth - 1].object;
		char c = peek(scan);

		if (c != ',' && c != (object ? '}' : ']'))
			return fail(scan, object ? "an object without comma or end"
						 : "an array without comma or end");
		scan->at++;
		if (c == ',') {
			skip_space(scan);
			return !object || scan_key(scan);
		}
		scan->depth--;
	}
	return scan->at == scan->text.len || fail(scan, "text behind the value");
}

static bool scan_all(struct scan *scan)
{
	skip_space(scan);
	do {
		bool complete = true;

		if (peek(scan) == '{' || peek(scan) == '[') {
			if (!scan_open(scan, &complete))
				return false;
		} else if (!scan_scalar(scan)) {
			return false;
		}
		if (complete && !scan_after_value(scan))
			return false;
	} while (scan->depth > 0);
	return true;
}

struct json_fault json_strict_check(struct slice text, unsigned depth_max)
{
	struct scan scan = { .text = text, .depth_max = depth_max };

	assert(depth_max <= LIMIT_JSON_DEPTH);
	scan_all(&scan);
	return (struct json_fault){ scan.fault, scan.at };
}

struct json_fault json_strict_parse(struct slice text, unsigned depth_max,
				    struct json_object **ret_value)
{
	struct json_fault fault = json_strict_check(text, depth_max);
	struct json_tokener *tokener;

	*ret_value = NULL;
	if (fault.detail)
		return fault;
	if (text.len > INT32_MAX)
		return (struct json_fault){ "too long", 0 };
	tokener = json_tokener_new_ex(LIMIT_JSON_DEPTH + 1);
	assert(tokener);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	*ret_value = json_tokener_parse_ex(tokener, text.ptr, (int)text.len);
	/* A number at the very end may go on as far as json-c knows: tell it that it does not. */
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		*ret_value = json_tokener_parse_ex(tokener, " ", 1);
	else if (json_tokener_get_parse_end(tokener) != text.len)
		fault = (struct json_fault){ "text behind the value",
					     json_tokener_get_parse_end(tokener) };
	if (!fault.detail && json_tokener_get_error(tokener) != json_tokener_success)
		fault = (struct json_fault){ "no JSON value", text.len };
	json_tokener_free(tokener);
	if (fault.detail) {
		json_object_put(*ret_value);
		*ret_value = NULL;
	}
	return fault;
}
