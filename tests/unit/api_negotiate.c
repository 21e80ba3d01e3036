/* SPDX-License-Identifier: Apache-2.0 */
/* Which format an Accept header asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/negotiate.h"

static const struct {
	const char *accept;
	int format; /* -1: none of ours */
} ROWS[] = {
	{ "*/*", FORMAT_JSON },
	{ "application/json", FORMAT_JSON },
	{ "text/csv", FORMAT_CSV },
	{ "TEXT/CSV;charset=utf-8", FORMAT_CSV },
	{ "text/*", FORMAT_CSV },
	{ "application/*", FORMAT_JSON },
	{ "application/x-ndjson", FORMAT_NDJSON },
	{ "text/html, application/xhtml+xml, */*;q=0.8", FORMAT_JSON },
	{ "application/json;q=0.5, text/csv", FORMAT_CSV },
	{ "application/json;q=0.5, text/csv;q=0.49", FORMAT_JSON },
	{ "*/*, application/json;q=0", FORMAT_NDJSON },
	{ "text/csv;q=0, */*;q=0.1", FORMAT_JSON },
	{ "text/csv; q=1.000, application/json; q=0.999", FORMAT_CSV },
	{ "text/html", -1 },
	{ "application/json;q=0", -1 },
	{ "application/json;q=0.000", -1 },
	{ "application/jsonx", -1 },
	{ ",,;q=", -1 },
};

static void test_accept(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct http_header header = { SLICE("Accept"), slice_from_cstr(ROWS[i].accept) };
		struct request request = { .headers = &header, .header_count = 1 };
		enum format format = FORMAT_COUNT;
		bool found = negotiate(&request, FORMATS_LIST, &format);

		if ((found ? (int)format : -1) != ROWS[i].format)
			fail_msg("%s: %d", ROWS[i].accept, found ? (int)format : -1);
	}
}

static void test_none_and_several(void **state)
{
	struct http_header headers[] = {
		{ SLICE("accept"), SLICE("application/json;q=0.1") },
		{ SLICE("Accept"), SLICE("text/csv") },
	};
	struct request request = { 0 };
	enum format format = FORMAT_COUNT;

	(void)state;
	assert_true(negotiate(&request, FORMATS_LIST, &format));
	assert_int_equal(format, FORMAT_JSON);
	request = (struct request){ .headers = headers, .header_count = 2 };
	assert_true(negotiate(&request, FORMATS_LIST, &format));
	assert_int_equal(format, FORMAT_CSV);
	assert_true(negotiate(&request, FORMATS_JSON, &format));
	assert_int_equal(format, FORMAT_JSON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_none_and_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
