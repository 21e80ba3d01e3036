/* SPDX-License-Identifier: Apache-2.0 */
/* API keys as text, sealed token keys, and what SQLSTATEs mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/api_key.h"
#include "store/pg_connect.h"
#include "store/token_key.h"

static void generated_keys_can_be_read(void **state)
{
	char first[API_KEY_TEXT_LEN + 1], second[API_KEY_TEXT_LEN + 1];
	struct api_key_text key;
	uint8_t digest[SHA256_LEN];

	(void)state;
	api_key_generate(first);
	api_key_generate(second);
	assert_int_equal(strlen(first), API_KEY_TEXT_LEN);
	assert_string_not_equal(first, second);
	assert_true(api_key_read(slice_from_cstr(first), &key));
	assert_int_equal(key.id.len, API_KEY_ID_LEN);
	assert_memory_equal(key.id.ptr, first + 3, API_KEY_ID_LEN);
	sha256(slice_from_cstr(strrchr(first, '_') + 1), digest);
	assert_memory_equal(key.secret_sha256, digest, SHA256_LEN);
}

static void what_is_no_key_is_refused(void **state)
{
	char good[API_KEY_TEXT_LEN + 1];
	char text[API_KEY_TEXT_LEN + 2];
	struct api_key_text key;

	(void)state;
	api_key_generate(good);
	assert_false(api_key_read(SLICE_NONE, &key));
	assert_false(api_key_read(slice_from(good, API_KEY_TEXT_LEN - 1), &key));
	snprintf(text, sizeof(text), "%sx", good);
	assert_false(api_key_read(slice_from_cstr(text), &key));
	snprintf(text, sizeof(text), "%s", good);
	text[1] = 'D';
	assert_false(api_key_read(slice_from_cstr(text), &key));
	snprintf(text, sizeof(text), "%s", good);
	text[3 + API_KEY_ID_LEN] = '-';
	assert_false(api_key_read(slice_from_cstr(text), &key));
}

static void a_token_key_opens_only_where_it_was_sealed(void **state)
{
	struct arena *arena = arena_new(0);
	const uint8_t master[SECRETBOX_KEY_LEN] = { 1 };
	const uint8_t other[SECRETBOX_KEY_LEN] = { 2 };
	const uint8_t secret[TOKEN_KEY_LEN] = { 3, 4, 5 };
	const struct token_key_place place = { 12, 3 };
	uint8_t opened[TOKEN_KEY_LEN] = { 0 };

	(void)state;
	struct slice box = token_key_seal(master, place, secret, arena);
	assert_int_equal(token_key_open(master, place, box, opened), OK);
	assert_memory_equal(opened, secret, TOKEN_KEY_LEN);

	assert_int_equal(token_key_open(other, place, box, opened), ERR_REFUSE);
	/* 12/3 and 1/23 must not read the same. */
	assert_int_equal(token_key_open(master, (struct token_key_place){ 1, 23 }, box, opened),
			 ERR_REFUSE);
	assert_int_equal(token_key_open(master, (struct token_key_place){ 12, 4 }, box, opened),
			 ERR_REFUSE);
	assert_int_equal(token_key_open(master, place, slice_head(box, box.len - 1), opened),
			 ERR_REFUSE);
	char *damaged = arena_cstr(arena, box);
	damaged[20] ^= 1;
	assert_int_equal(token_key_open(master, place, slice_from(damaged, box.len), opened),
			 ERR_REFUSE);
	arena_free(arena);
}

static void states_have_words(void **state)
{
	enum token_key_state back;

	(void)state;
	for (int i = TOKEN_KEY_NEXT; i <= TOKEN_KEY_REVOKED; i++) {
		const char *word = token_key_state_word((enum token_key_state)i);

		assert_true(token_key_state_from_word(slice_from_cstr(word), &back));
		assert_int_equal(back, i);
	}
	assert_false(token_key_state_from_word(SLICE("Current"), &back));
}

static void failures_tell_whether_to_try_again(void **state)
{
	static const struct {
		const char *sqlstate;
		enum pg_outcome outcome;
	} cases[] = {
		{ "", PG_RETRY },      /* the connection broke */
		{ "08006", PG_RETRY }, /* the same, said */
		{ "40P01", PG_RETRY }, /* deadlock */
		{ "53100", PG_RETRY }, /* disk full */
		{ "57P01", PG_RETRY }, /* shutting down */
		{ "25006", PG_RETRY }, /* now a standby */
		{ "0A000", PG_RETRY }, /* cached plan */
		{ "23505", PG_HARD },  /* there already */
		{ "22021", PG_HARD },  /* bad bytes */
		{ "42501", PG_HARD },  /* not allowed */
		{ "25P02", PG_HARD },  /* our mistake */
		{ "XX000", PG_HARD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (pg_failure(cases[i].sqlstate) != cases[i].outcome)
			fail_msg("%s", cases[i].sqlstate);
	}
	assert_int_equal(pg_err(PG_HARD), ERR_FATAL);
	assert_int_equal(pg_err(PG_RETRY), ERR_RETRY);
	assert_int_equal(pg_err(PG_NONE), OK);
	assert_int_equal(pg_err(PG_SOME), OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generated_keys_can_be_read),
		cmocka_unit_test(what_is_no_key_is_refused),
		cmocka_unit_test(a_token_key_opens_only_where_it_was_sealed),
		cmocka_unit_test(states_have_words),
		cmocka_unit_test(failures_tell_whether_to_try_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
