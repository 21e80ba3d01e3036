/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/demo_messages.h"

static const struct demo_values VALUES = {
	.return_path = SLICE_LITERAL("b-token@bounce.example"),
	.date = SLICE_LITERAL("Sun, 22 Nov 2026 10:00:00 +0000"),
	.id = SLICE_LITERAL("0badcafe"),
};

/* Every sample: all values filled in, CRLF only, and what it is about stands in it. */
static void renders_every_sample(void **state)
{
	struct arena *arena = arena_new(0);

	(void)state;
	for (size_t i = 0; i < DEMO_MESSAGE_COUNT; i++) {
		struct slice text = demo_message_render(&DEMO_MESSAGES[i], &VALUES, arena);

		assert_int_equal(slice_find_byte(text, '{'), -1);
		assert_true(slice_find(text, VALUES.return_path) > 0);
		assert_true(slice_find(text, VALUES.date) > 0);
		assert_true(slice_find(text, VALUES.id) > 0);
		assert_true(slice_ends_with(text, SLICE("\r\n")));
		for (size_t at = 0; at < text.len; at++)
			assert_true(text.ptr[at] != '\n' || text.ptr[at - 1] == '\r');
	}
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renders_every_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
