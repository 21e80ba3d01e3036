/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in the three formats; fields that a spreadsheet would run are defused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/csv.h"
#include "api/table.h"
#include "core/arena.h"
#include "core/timestamp.h"

static void assert_field(struct slice text, bool safe, struct slice expected)
{
	struct buf out;

	buf_init(&out, 1000);
	csv_field(&out, text, safe);
	if (!slice_equal(buf_slice(&out), expected))
		fail_msg("%.*s became %.*s", SLICE_ARG(text), SLICE_ARG(buf_slice(&out)));
	buf_done(&out);
}

static void test_quoting(void **state)
{
	(void)state;
	assert_field(SLICE(""), true, SLICE("\"\""));
	assert_field(SLICE("a,b"), true, SLICE("\"a,b\""));
	assert_field(SLICE("say \"no\""), true, SLICE("\"say \"\"no\"\"\""));
	assert_field(SLICE("a\r\nb"), true, SLICE("\"a\r\nb\""));
	assert_field(SLICE("a\xff\0b"), true,
		     SLICE("\"a\xef\xbf\xbd\xef\xbf\xbd"
			   "b\""));
	assert_field(SLICE("550 5.1.1 no such user"), true, SLICE("\"550 5.1.1 no such user\""));
	assert_field(SLICE("user@example.com"), true, SLICE("\"user@example.com\""));
}

static void test_formulas(void **state)
{
	static const struct slice FORMULAS[] = {
		SLICE_LITERAL("=cmd|'/c calc'!A0"),
		SLICE_LITERAL("+1"),
		SLICE_LITERAL("-1+1"),
		SLICE_LITERAL("@SUM(A1)"),
		SLICE_LITERAL(" =1+1"),
		SLICE_LITERAL("\t=1"),
		SLICE_LITERAL("\r=1"),
		SLICE_LITERAL("\n=1"),
		SLICE_LITERAL("ok\n=1"),
		SLICE_LITERAL("ok\r\n  =1"),
		SLICE_LITERAL("\xc2\xa0=1"),
		SLICE_LITERAL("\xe2\x80\x8b=1"),
		SLICE_LITERAL("\xef\xbb\xbf=1"),
		SLICE_LITERAL("\xef\xbc\x9d"
			      "1"),
		SLICE_LITERAL("\xef\xbc\x8b"
			      "1"),
		SLICE_LITERAL("\xef\xbc\x8d"
			      "1"),
		SLICE_LITERAL("\xef\xbc\xa0"
			      "1"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(FORMULAS) / sizeof(FORMULAS[0]); i++) {
		struct buf safe, plain;

		buf_init(&safe, 1000);
		buf_init(&plain, 1000);
		csv_field(&safe, FORMULAS[i], true);
		csv_field(&plain, FORMULAS[i], false);
		if (!slice_starts_with(buf_slice(&safe), SLICE("\"'")))
			fail_msg("not defused: %zu", i);
		assert_true(slice_equal(slice_skip(buf_slice(&safe), 2),
					slice_skip(buf_slice(&plain), 1)));
		buf_done(&safe);
		buf_done(&plain);
	}
}

static const char *const COLUMNS[] = { "name", "count", "late", "at", "more" };

static void write_rows(struct response *response, enum format format, struct slice next)
{
	struct request request = { 0 };
	struct arena *arena = arena_new(0);
	struct call call = {
		.arena = arena,
		.request = &request,
		.response = response,
		.format = format,
		.csv_safe = true,
	};
	struct table table;

	response_init(response);
	table_begin(&table, &call, COLUMNS, 5);
	for (int i = 0; i < 2; i++) {
		table_row_begin(&table);
		table_text(&table, i == 0 ? SLICE("=a\"") : SLICE_NONE);
		table_int(&table, i);
		table_bool(&table, i == 0);
		table_time(&table, i == 0 ? 0 : TIME_NONE);
		table_raw(&table, i == 0 ? SLICE("{\"k\": [1]}") : SLICE_NONE);
		table_row_end(&table);
	}
	table_end(&table, next);
	if (response->header_count)
		assert_string_equal(response->headers[0].value, "</next>; rel=\"next\"");
	response->headers[0].value = NULL; /* lived in the arena */
	arena_free(arena);
}

static void assert_rows(enum format format, struct slice next, const char *expected)
{
	struct response response;

	write_rows(&response, format, next);
	assert_int_equal(response.header_count, format != FORMAT_JSON && !slice_empty(next));
	if (!slice_equal(buf_slice(&response.body), slice_from_cstr(expected)))
		fail_msg("%.*s", SLICE_ARG(buf_slice(&response.body)));
	assert_string_equal(response.content_type, format_content_type(format));
	response_done(&response);
}

static void test_rows(void **state)
{
	(void)state;
	assert_rows(FORMAT_JSON, SLICE_NONE,
		    "{\"results\":[{\"name\":\"=a\\\"\",\"count\":0,\"late\":true,"
		    "\"at\":\"1970-01-01T00:00:00.000Z\",\"more\":{\"k\": [1]}},"
		    "{\"name\":null,\"count\":1,\"late\":false,\"at\":null,\"more\":null}],"
		    "\"links\":{\"next\":null}}");
	assert_rows(FORMAT_NDJSON, SLICE("/next"),
		    "{\"name\":\"=a\\\"\",\"count\":0,\"late\":true,"
		    "\"at\":\"1970-01-01T00:00:00.000Z\",\"more\":{\"k\": [1]}}\n"
		    "{\"name\":null,\"count\":1,\"late\":false,\"at\":null,\"more\":null}\n");
	assert_rows(
		FORMAT_CSV, SLICE("/next"),
		"\"name\",\"count\",\"late\",\"at\",\"more\"\r\n"
		"\"'=a\"\"\",\"0\",\"true\",\"1970-01-01T00:00:00.000Z\",\"{\"\"k\"\": [1]}\"\r\n"
		"\"\",\"1\",\"false\",\"\",\"\"\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_formulas),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
