/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever is left of a report when it is cut anywhere, or when one byte of it is another, is read
 * without a crash and without a report that cannot be encoded; sanitizers watch. Memory that the
 * message ends in is its own, so that reading past the end shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/report_wire.h"
#include "tests/unit/parser_helper.h"
#include "tests/watched.h"

#define FIXTURES "tests/fixtures/*/*.eml"
/* Cuts and changes in all, spread evenly over the bytes of all fixtures: cuts at every byte as long
 * as those are no more. Some fifteen seconds. */
#define CUTS    150000
#define CHANGES 15000

static void check(const char *bytes, size_t len)
{
	struct report decoded;
	struct report report;
	struct buf wire;
	char *own = malloc(len ? len : 1);

	memcpy(own, bytes, len);
	report = parse(slice_from(own, len));
	buf_init(&wire, LIMIT_REPORT_WIRE);
	report_wire_encode(&report, &wire);
	assert_false(wire.full);
	assert_int_equal(report_wire_decode(buf_slice(&wire), arena, &decoded), OK);
	assert_int_equal(decoded.kind, report.kind);
	buf_done(&wire);
	free(own);
	arena_reset(arena);
}

static size_t read_file(const char *path, char *bytes, size_t cap)
{
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	size_t len = fread(bytes, 1, cap, file);
	fclose(file);
	return len;
}

/* What runs over one fixture, touching each `step`th byte. */
typedef void run_fn(char *bytes, size_t len, size_t step);

static void for_each_fixture(run_fn *run, size_t budget)
{
	static char bytes[256 * 1024];
	size_t total = 0;
	glob_t found;

	budget /= watched_times_slower();
	assert_int_equal(glob(FIXTURES, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		total += read_file(found.gl_pathv[i], bytes, sizeof(bytes));
	for (size_t i = 0; i < found.gl_pathc; i++) {
		size_t len = read_file(found.gl_pathv[i], bytes, sizeof(bytes));
		run(bytes, len, (total + budget - 1) / budget);
	}
	globfree(&found);
}

static void cut(char *bytes, size_t len, size_t step)
{
	for (size_t at = 0; at <= len; at += step)
		check(bytes, at);
}

static void change(char *bytes, size_t len, size_t step)
{
	static const char OTHERS[] = { '\0', '\n', ':', '<', '\x80', '-', '=', ';' };
	size_t turn = 0;

	for (size_t at = 0; at < len; at += step) {
		char kept = bytes[at];
		bytes[at] = OTHERS[turn++ % sizeof(OTHERS)];
		check(bytes, len);
		bytes[at] = kept;
	}
}

static void test_cut(void **state)
{
	(void)state;
	for_each_fixture(cut, CUTS);
}

static void test_changed(void **state)
{
	(void)state;
	for_each_fixture(change, CHANGES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_changed),
	};

	return cmocka_run_group_tests(tests, parser_setup, parser_teardown);
}
