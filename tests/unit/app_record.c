/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/record.h"
#include "core/timestamp.h"

/* What `fill` makes of a record, as text. */
static char *print(void (*fill)(struct record *record), bool as_json)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct record record;

	record_begin(&record, as_json);
	fill(&record);
	record_end(&record, out);
	fclose(out);
	return text;
}

static void fill_plain(struct record *record)
{
	record_number(record, "id", 7);
	record_text(record, "name", SLICE("demo"));
	record_text(record, "nothing", SLICE_NONE);
	record_bool(record, "yes", true);
	record_time(record, "at", TOKEN_EPOCH_MS);
	record_time(record, "never", TIME_NONE);
}

static void fill_hostile(struct record *record)
{
	record_text(record, "name", SLICE("a\x1b[2J\tb\n\xe2\x80\xae"));
}

static void fill_quotes(struct record *record)
{
	record_text(record, "name", SLICE("a \"b\" c\\"));
}

static void check(void (*fill)(struct record *record), bool as_json, const char *expected)
{
	char *text = print(fill, as_json);

	assert_string_equal(text, expected);
	free(text);
}

static void prints_columns(void **state)
{
	(void)state;
	check(fill_plain, false, "7\tdemo\t-\tyes\t2025-01-01T00:00:00.000Z\t-\n");
}

static void prints_json(void **state)
{
	(void)state;
	check(fill_plain, true,
	      "{\"id\":7,\"name\":\"demo\",\"nothing\":null,\"yes\":true,"
	      "\"at\":\"2025-01-01T00:00:00.000Z\",\"never\":null}\n");
}

/* Neither the terminal nor the columns may suffer from what a name holds. */
static void disarms_text(void **state)
{
	(void)state;
	check(fill_hostile, false, "a\\u001b[2J\\tb\\n\\u202e\n");
}

static void leaves_quotes_alone(void **state)
{
	(void)state;
	check(fill_quotes, false, "a \"b\" c\\\\\n");
	check(fill_quotes, true, "{\"name\":\"a \\\"b\\\" c\\\\\"}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_columns),
		cmocka_unit_test(prints_json),
		cmocka_unit_test(disarms_text),
		cmocka_unit_test(leaves_quotes_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
