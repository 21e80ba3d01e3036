/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mail systems say, and the reason that it stands for: each line of tests/fixtures/replies.tsv
 * holds a reply, the host that gave it, what it answered (both may be empty), and its reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/status.h"
#include "parser/rules.h"
#include "parser/verdict.h"

#define REPLIES "tests/fixtures/replies.tsv"

static struct slice reason_of(const struct rules *rules, char *const columns[4])
{
	struct slice reply = slice_from_cstr(columns[0]);
	struct report_recipient recipient = {
		.action = ACTION_FAILED,
		.status = status_find(reply),
		.reply_code = reply_code_find(reply),
		.command = slice_from_cstr(columns[2]),
		.remote_mta = slice_from_cstr(columns[1]),
		.diagnostic = reply,
	};

	verdict_recipient(rules, SLICE_NONE, REPORT_BOUNCE, &recipient);
	return slice_from_cstr(reason_word(recipient.reason));
}

static size_t split(char *line, char *columns[4])
{
	size_t count = 0;
	char *rest = line;

	line[strcspn(line, "\n")] = '\0';
	for (char *column; count < 4 && (column = strsep(&rest, "\t")) != NULL;)
		columns[count++] = column;
	return rest == NULL ? count : 5;
}

static void test_replies(void **state)
{
	struct arena *arena = arena_new(0);
	struct rules *rules = NULL;
	struct slice error = SLICE_NONE;
	FILE *file = fopen(REPLIES, "r");
	char *line = NULL;
	size_t cap = 0, wrong = 0, replies = 0;

	(void)state;
	assert_non_null(file);
	assert_int_equal(rules_load(NULL, arena, &rules, &error), OK);
	while (getline(&line, &cap, file) >= 0) {
		char *columns[4];

		if (line[0] == '#')
			continue;
		if (split(line, columns) != 4)
			fail_msg("not four columns: %s", line);
		struct slice reason = reason_of(rules, columns);
		if (!slice_equal(reason, slice_from_cstr(columns[3]))) {
			print_error("%.*s instead of %s: %s\n", SLICE_ARG(reason), columns[3],
				    columns[0]);
			wrong++;
		}
		replies++;
	}
	assert_true(replies > 600);
	assert_int_equal(wrong, 0);
	free(line);
	fclose(file);
	rules_free(rules);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
