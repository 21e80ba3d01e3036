/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner against the definition, written down as plainly as it can be: data ends at the first
 * CRLF.CRLF of CRLF + data, and a dot behind a CRLF is dropped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/eod.h"

#define OUT_MAX 65536

struct result {
	bool ended;
	size_t consumed;
	bool bare_cr, bare_lf, nul;
	struct buf out;
};

static char at(struct slice s, size_t i, char outside)
{
	return i < s.len ? s.ptr[i] : outside;
}

static struct result by_definition(struct slice data)
{
	struct result result = { 0 };
	struct buf framed;

	buf_init(&framed, OUT_MAX);
	buf_init(&result.out, OUT_MAX);
	buf_append_cstr(&framed, "\r\n");
	buf_append(&framed, data);
	ptrdiff_t end = slice_find(buf_slice(&framed), SLICE("\r\n.\r\n"));

	result.ended = end >= 0;
	result.consumed = end >= 0 ? (size_t)end + 3 : data.len;
	struct slice message = slice_head(data, end >= 0 ? (size_t)end : data.len);

	for (size_t i = 0; i < message.len; i++) {
		bool line_start = i == 0 || (i >= 2 && message.ptr[i - 2] == '\r' &&
					     message.ptr[i - 1] == '\n');
		char c = message.ptr[i];

		result.nul |= c == '\0';
		result.bare_cr |= c == '\r' && at(message, i + 1, '\n') != '\n';
		result.bare_lf |= c == '\n' && (i == 0 || message.ptr[i - 1] != '\r');
		if (!(line_start && c == '.'))
			buf_append_byte(&result.out, c);
	}
	buf_done(&framed);
	return result;
}

/* cuts: ascending offsets at which the data is cut into pieces. */
static struct result by_scanner(struct slice data, const size_t *cuts, size_t cut_count)
{
	struct result result = { 0 };
	struct eod_scanner scanner;
	size_t start = 0;

	eod_init(&scanner);
	buf_init(&result.out, OUT_MAX);
	for (size_t i = 0; i <= cut_count && scanner.state != EOD_END; i++) {
		size_t stop = i < cut_count ? cuts[i] : data.len;
		struct slice piece = slice_from(data.ptr + start, stop - start);
		size_t used = eod_scan(&scanner, piece, &result.out);

		assert_true(used == piece.len || scanner.state == EOD_END);
		result.consumed += used;
		start = stop;
	}
	result.ended = scanner.state == EOD_END;
	result.bare_cr = scanner.bare_cr;
	result.bare_lf = scanner.bare_lf;
	result.nul = scanner.nul;
	return result;
}

static void check(struct slice data, const size_t *cuts, size_t cut_count)
{
	struct result want = by_definition(data);
	struct result got = by_scanner(data, cuts, cut_count);

	assert_int_equal(got.ended, want.ended);
	assert_int_equal(got.consumed, want.consumed);
	if (want.ended) { /* otherwise the last bytes may still be undecided */
		assert_int_equal(got.bare_cr, want.bare_cr);
		assert_int_equal(got.bare_lf, want.bare_lf);
		assert_int_equal(got.nul, want.nul);
		assert_true(slice_equal(buf_slice(&got.out), buf_slice(&want.out)));
	}
	buf_done(&want.out);
	buf_done(&got.out);
}

static void check_all_splits(struct slice data)
{
	size_t every[512];

	check(data, NULL, 0);
	for (size_t i = 1; i < data.len; i++)
		check(data, &i, 1);
	assert_true(data.len < 512);
	for (size_t i = 0; i + 1 < data.len; i++)
		every[i] = i + 1;
	check(data, every, data.len - 1);
}

/* What other mailers have taken for the end of data (SMTP smuggling). */
static const struct {
	struct slice bytes;
	bool ends; /* it holds a genuine CRLF.CRLF */
} variants[] = {
#define V(text)                            \
	{                                  \
		SLICE_LITERAL(text), false \
	}
	V("\n.\n"),
	V("\n.\r\n"),
	V("\r\n.\n"),
	V("\r.\r"),
	V("\r.\r\n"),
	V("\r.\n"),
	V("\n.\r"),
	V("\r\n.\r"),
	V("\r\n\0.\r\n"),
	V("\r\n.\0\r\n"),
	V("\r\n.\r\0\n"),
	V("\r\0\n.\r\n"),
	V("\r\n.\r\r\n"),
	V("\r\r\n.\r\r\n"),
	V("\r\n. \r\n"),
	V("\r\n.\t\r\n"),
	V("\r\n .\r\n"),
	V("\r\n..\r\n"),
	V("\n\n.\n\n"),
	V("\r\n\n.\r\n"),
	V("\r\r.\r\r"),
	V("\r\n\r.\r\n"),
	V("\r\n\v.\r\n"),
	V("\r\n\f.\r\n"),
	V("\r\n.\v\r\n"),
	V("\r\n.\f\r\n"),
	V("\r\n\x85.\r\n"),
	V("\x85.\x85"),
	V("\xC2\x85.\xC2\x85"),
	V("\xE2\x80\xA8.\xE2\x80\xA8"),
	V("\r\n\xEF\xBB\xBF.\r\n"),
	V("\r\n\xE2\x80\xA4\r\n"),
	V("\r\n\xAE\r\n"),
#undef V
	{ SLICE_LITERAL("\r\n.\r\n"), true },
	{ SLICE_LITERAL("\r\r\n.\r\n"), true },
	{ SLICE_LITERAL("\r\r\n.\r\r\n.\r\n"), true },
	{ SLICE_LITERAL("\0\r\n.\r\n"), true },
};

static void test_only_crlf_dot_crlf_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
		struct buf data;

		buf_init(&data, OUT_MAX);
		buf_append_cstr(&data, "Subject: a\r\n\r\nbody");
		buf_append(&data, variants[i].bytes);
		size_t behind_variant = data.len;

		buf_append_cstr(&data, "MAIL FROM:<x@y.example>\r\nDATA\r\nevil\r\n.\r\nQUIT\r\n");
		struct result result = by_scanner(buf_slice(&data), NULL, 0);

		assert_true(result.ended);
		if (variants[i].ends)
			assert_int_equal(result.consumed, behind_variant);
		else
			assert_int_equal(result.consumed, data.len - strlen("QUIT\r\n"));
		buf_done(&result.out);
		check_all_splits(buf_slice(&data));
		buf_done(&data);
	}
}

#define SUBSET_CUTS 9

/* Every way to cut the first bytes into pieces. */
static void check_all_cuts(struct slice data)
{
	size_t positions = data.len - 1 < SUBSET_CUTS ? data.len - 1 : SUBSET_CUTS;

	for (unsigned subset = 0; subset < 1U << positions; subset++) {
		size_t cuts[SUBSET_CUTS], count = 0;

		for (size_t i = 0; i < positions; i++)
			if (subset & 1U << i)
				cuts[count++] = i + 1;
		check(data, cuts, count);
	}
}

static void test_combinations_of_separators(void **state)
{
	static const struct slice separators[] = {
		SLICE_LITERAL(""),       SLICE_LITERAL("\n"),     SLICE_LITERAL("\r"),
		SLICE_LITERAL("\r\n"),   SLICE_LITERAL("\n\r"),   SLICE_LITERAL("\r\r"),
		SLICE_LITERAL("\n\n"),   SLICE_LITERAL("\r\r\n"), SLICE_LITERAL("\r\n\n"),
		SLICE_LITERAL("\r\n\r"), SLICE_LITERAL("\0"),     SLICE_LITERAL("\r\0\n"),
		SLICE_LITERAL("\r\n\0"), SLICE_LITERAL(" \r\n"),
	};
	size_t count = sizeof(separators) / sizeof(separators[0]);

	(void)state;
	for (size_t i = 0; i < count * count; i++) {
		struct buf data;

		buf_init(&data, OUT_MAX);
		buf_append_cstr(&data, "a");
		buf_append(&data, separators[i / count]);
		buf_append_cstr(&data, ".");
		buf_append(&data, separators[i % count]);
		buf_append_cstr(&data, "b\r\n.\r\nX");
		check_all_splits(buf_slice(&data));
		check_all_cuts(buf_slice(&data));
		buf_done(&data);
	}
}

static void test_empty_message_and_dots(void **state)
{
	static const struct slice data[] = {
		SLICE_LITERAL(".\r\n"),
		SLICE_LITERAL("..\r\n.\r\n"),
		SLICE_LITERAL(".a\r\n..\r\n...\r\n.b.\r\n.\r\n"),
		SLICE_LITERAL("\r\n.\r\n"),
		SLICE_LITERAL(".\r.\r\n.\r\n"),
		SLICE_LITERAL("no end\r\n."),
		SLICE_LITERAL("no end\r\n.\r"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++)
		check_all_splits(data[i]);
}

static void test_random_bytes_random_cuts(void **state)
{
	static const char alphabet[] = { '\r', '\n', '.', 'a', '\0', '\r', '\n' };
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 50000; round++) {
		char data[48];
		size_t cuts[48];
		size_t len = (size_t)(rand_r(&seed) % (int)sizeof(data)), cut_count = 0;

		for (size_t i = 0; i < len; i++) {
			data[i] = alphabet[rand_r(&seed) % (int)sizeof(alphabet)];
			if (rand_r(&seed) % 4 == 0)
				cuts[cut_count++] = i;
		}
		check(slice_from(data, len), cuts, cut_count);
	}
}

static void test_too_long_is_scanned_on(void **state)
{
	struct eod_scanner scanner;
	struct slice data = SLICE("0123456789\r\n.\r\n");
	struct buf out;

	(void)state;
	eod_init(&scanner);
	buf_init(&out, 4);
	assert_int_equal(eod_scan(&scanner, data, &out), data.len);
	assert_int_equal(scanner.state, EOD_END);
	assert_true(out.full);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_crlf_dot_crlf_ends),
		cmocka_unit_test(test_combinations_of_separators),
		cmocka_unit_test(test_empty_message_and_dots),
		cmocka_unit_test(test_random_bytes_random_cuts),
		cmocka_unit_test(test_too_long_is_scanned_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
