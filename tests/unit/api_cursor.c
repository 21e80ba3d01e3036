/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors: what we made comes back as it was, and nothing else is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/cursor.h"
#include "api/target.h"
#include "core/arena.h"

static const uint8_t KEY[CURSOR_KEY_LEN] = { 1, 2, 3 };
static const uint8_t OTHER_KEY[CURSOR_KEY_LEN] = { 1, 2, 4 };
static const struct cursor_scope SCOPE = { 7, 0x1122334455667788 };
static const struct cursor_position POSITION = { -5, { { 0xff, 1, 2, 3, 4, 5 } } };

static int setup(void **state)
{
	*state = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static void test_round_trip(void **state)
{
	struct slice text = cursor_format(&POSITION, &SCOPE, KEY, *state);
	struct cursor_position back;

	assert_true(cursor_parse(text, &SCOPE, KEY, &back));
	assert_int_equal(back.time, POSITION.time);
	assert_memory_equal(back.id.bytes, POSITION.id.bytes, sizeof(back.id.bytes));
}

static void test_elsewhere_it_is_worth_nothing(void **state)
{
	struct slice text = cursor_format(&POSITION, &SCOPE, KEY, *state);
	const struct cursor_scope other_account = { 8, SCOPE.filter_hash };
	const struct cursor_scope other_filter = { 7, SCOPE.filter_hash + 1 };
	struct cursor_position back;

	assert_false(cursor_parse(text, &other_account, KEY, &back));
	assert_false(cursor_parse(text, &other_filter, KEY, &back));
	assert_false(cursor_parse(text, &SCOPE, OTHER_KEY, &back));
}

static void test_every_character_counts(void **state)
{
	struct slice text = cursor_format(&POSITION, &SCOPE, KEY, *state);
	struct cursor_position back;

	for (size_t i = 0; i < text.len; i++) {
		struct slice changed = arena_copy(*state, text);
		char *copy = arena_cstr(*state, text);

		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		changed.ptr = copy;
		assert_false(cursor_parse(changed, &SCOPE, KEY, &back));
		assert_false(cursor_parse(slice_head(text, i), &SCOPE, KEY, &back));
	}
	assert_false(
		cursor_parse(arena_printf(*state, "%.*sA", SLICE_ARG(text)), &SCOPE, KEY, &back));
}

static uint64_t hash_of(const char *target, struct arena *arena)
{
	struct request request = { .target = slice_from_cstr(target) };

	assert_null(target_parse(&request, arena));
	return cursor_filter_hash(&request);
}

static void test_filter_hash(void **state)
{
	uint64_t hash = hash_of("/v1/events?kind=bounce&limit=10", *state);

	assert_int_equal(hash, hash_of("/v1/events?kind=bounce", *state));
	assert_int_equal(hash, hash_of("/v1/events?limit=99&kind=bounce&cursor=abc", *state));
	assert_int_equal(hash, hash_of("/v1/events?kind=%62ounce", *state));
	assert_int_not_equal(hash, hash_of("/v1/events", *state));
	assert_int_not_equal(hash, hash_of("/v1/events?kind=delay", *state));
	assert_int_not_equal(hash, hash_of("/v1/suppressions?kind=bounce", *state));
	assert_int_not_equal(hash_of("/x?a=b&c=d", *state), hash_of("/x?a=b%26c=d", *state));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_elsewhere_it_is_worth_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_every_character_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_filter_hash, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
