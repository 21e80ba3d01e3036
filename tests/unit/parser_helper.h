/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of readers share: one arena and one set of rules for the group, and looks at a report.
 */
#ifndef BOUNCED_TESTS_PARSER_HELPER_H
#define BOUNCED_TESTS_PARSER_HELPER_H

#include <string.h>

#include "core/arena.h"
#include "core/report.h"
#include "parser/parser.h"
#include "parser/rules.h"

static struct arena *arena;
static struct rules *rules;

static inline int parser_setup(void **state)
{
	(void)state;
	parser_init();
	arena = arena_new(0);
	rules = rules_builtin();
	return 0;
}

static inline int parser_teardown(void **state)
{
	(void)state;
	rules_free(rules);
	arena_free(arena);
	return 0;
}

static inline struct report parse(struct slice raw)
{
	struct report report;

	parser_parse(raw, rules, false, arena, &report);
	return report;
}

/* With every LF made CRLF, as SMTP brings it. */
static inline struct slice with_crlf(struct slice text)
{
	char *out = arena_alloc(arena, text.len * 2);
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\n')
			out[len++] = '\r';
		out[len++] = text.ptr[i];
	}
	return slice_from(out, len);
}

#define assert_slice(actual, expected)                                                      \
	do {                                                                                \
		struct slice got = (actual);                                                \
		if (!slice_equal(got, slice_from_cstr(expected)))                           \
			fail_msg("\"%.*s\" instead of \"%s\"", SLICE_ARG(got), (expected)); \
	} while (0)

#endif
