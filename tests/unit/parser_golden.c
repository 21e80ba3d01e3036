/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Golden reports: each tests/fixtures/<format>/<name>.eml must give exactly the line that stands
 * beside it in <name>.json, with LF and with CRLF line ends. To write one:
 *
 *	build/bounced parse X.eml | sed 's/"file":"[^"]*",//' > X.json
 *
 * and read what it says before it becomes the truth.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>

#include "core/buf.h"
#include "core/report_json.h"
#include "tests/unit/parser_helper.h"

#define FIXTURES "tests/fixtures/*/*.eml"

static struct slice read_file(const char *path)
{
	struct buf text;
	char chunk[4096];
	FILE *file = fopen(path, "rb");

	if (!file)
		fail_msg("cannot read %s", path);
	buf_init(&text, 16 * 1024 * 1024);
	for (size_t got; (got = fread(chunk, 1, sizeof(chunk), file)) > 0;)
		buf_append(&text, slice_from(chunk, got));
	fclose(file);
	struct slice copy = arena_copy(arena, buf_slice(&text));
	buf_done(&text);
	return copy;
}

static struct slice print(struct slice raw)
{
	struct report report = parse(raw);
	struct json_writer json;
	struct buf out;

	buf_init(&out, 16 * 1024 * 1024);
	json_init(&json, &out);
	json_object_begin(&json);
	report_json_members(&json, &report, VOCABULARY_NONE);
	json_object_end(&json);
	struct slice copy = arena_copy(arena, buf_slice(&out));
	buf_done(&out);
	return copy;
}

/* A fixture that is about its line ends has some of its own. */
static bool has_crlf(struct slice raw)
{
	return slice_find(raw, SLICE("\r\n")) >= 0;
}

static unsigned check_fixture(const char *path)
{
	size_t stem = strlen(path) - strlen(".eml");
	struct slice raw = read_file(path);
	struct slice json = slice_trim(
		read_file(arena_cstr(arena, arena_printf(arena, "%.*s.json", (int)stem, path))));
	struct slice got = print(raw);
	unsigned failures = 0;

	if (!slice_equal(got, json)) {
		print_error("%s\n  gives %.*s\n  not   %.*s\n", path, SLICE_ARG(got),
			    SLICE_ARG(json));
		failures++;
	}
	if (!has_crlf(raw) && !slice_equal(print(with_crlf(raw)), got)) {
		print_error("%s reads differently with CRLF\n", path);
		failures++;
	}
	return failures;
}

static void test_fixtures(void **state)
{
	glob_t found;
	unsigned failures = 0;

	(void)state;
	assert_int_equal(glob(FIXTURES, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		failures += check_fixture(found.gl_pathv[i]);
		arena_reset(arena);
	}
	globfree(&found);
	assert_int_equal(failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixtures),
	};

	return cmocka_run_group_tests(tests, parser_setup, parser_teardown);
}
