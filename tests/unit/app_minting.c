/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/minting.h"
#include "core/timestamp.h"

#define DAY_700 (TOKEN_EPOCH_MS + 700 * TIME_DAY_MS)

/* Accounts 1 and 2; 1 has a retired and a current key and two domains; one domain is shared. */
static struct directory *make_directory(void)
{
	static const struct directory_token_key keys[] = {
		{ .account_id = 1, .key_id = 1, .state = TOKEN_KEY_RETIRED, .secret = { 1 } },
		{ .account_id = 1, .key_id = 2, .state = TOKEN_KEY_CURRENT, .secret = { 2 } },
	};
	static const struct directory_domain domains[] = {
		{ .name = SLICE_LITERAL("a.shared.example"), .account_id = 0 },
		{ .name = SLICE_LITERAL("bounce.one.example"), .account_id = 1 },
		{ .name = SLICE_LITERAL("other.one.example"), .account_id = 1 },
		{ .name = SLICE_LITERAL("bounce.two.example"), .account_id = 2 },
	};
	struct arena *arena = arena_new(0);
	struct directory *directory = ARENA_NEW(arena, struct directory);

	directory->arena = arena;
	directory->keys = ARENA_ARRAY(arena, struct directory_token_key, 2);
	memcpy(directory->keys, keys, sizeof(keys));
	directory->key_count = 2;
	directory->domains = ARENA_ARRAY(arena, struct directory_domain, 4);
	memcpy(directory->domains, domains, sizeof(domains));
	directory->domain_count = 4;
	directory_finish(directory);
	return directory;
}

static int setup(void **state)
{
	*state = make_directory();
	return 0;
}

static int teardown(void **state)
{
	directory_free(*state);
	return 0;
}

static void mints_with_the_current_key(void **state)
{
	struct directory *directory = *state;
	struct token token = { .account = 1, .campaign = 5, .ref = 99 };
	struct token read;
	struct slice text;

	assert_int_equal(minting_mint_by(directory, &token, SLICE("User@Customer.example"), DAY_700,
					 directory->arena, &text),
			 OK);
	assert_true(token_decode(text, &read));
	assert_int_equal(read.key_id, 2);
	assert_int_equal(read.issue_day, 700);
	assert_int_equal(read.account, 1);
	assert_int_equal(read.campaign, 5);
	assert_int_equal(read.ref, 99);
	assert_true(token_commitment_fits(&read, directory->keys[1].secret, directory->arena,
					  SLICE("user@customer.example")));
	assert_int_equal(minting_verify_by(directory, &read), TOKEN_VALID);
}

static void commits_to_nothing_without_address(void **state)
{
	struct directory *directory = *state;
	struct token token = { .account = 1, .ref = 99 };
	struct slice text;

	assert_int_equal(
		minting_mint_by(directory, &token, SLICE_NONE, DAY_700, directory->arena, &text),
		OK);
	assert_false(token.has_commitment);
}

static void needs_a_current_key_and_a_possible_day(void **state)
{
	struct directory *directory = *state;
	struct token token = { .account = 2 };
	struct slice text;

	assert_int_equal(
		minting_mint_by(directory, &token, SLICE_NONE, DAY_700, directory->arena, &text),
		ERR_MISSING);
	token.account = 1;
	assert_int_equal(minting_mint_by(directory, &token, SLICE_NONE, TOKEN_EPOCH_MS - 1,
					 directory->arena, &text),
			 ERR_REFUSE);
	assert_int_equal(minting_mint_by(directory, &token, SLICE_NONE,
					 TOKEN_EPOCH_MS + 65536 * TIME_DAY_MS, directory->arena,
					 &text),
			 ERR_REFUSE);
}

static void tells_wrong_signatures_from_unknown_keys(void **state)
{
	struct directory *directory = *state;
	struct token token = { .account = 1, .key_id = 2 };
	struct slice text;

	assert_int_equal(token_mint(&token, directory->keys[0].secret, directory->arena, &text),
			 OK);
	assert_int_equal(minting_verify_by(directory, &token), TOKEN_BAD_MAC);
	token.key_id = 3;
	assert_int_equal(minting_verify_by(directory, &token), TOKEN_UNKNOWN_KEY);
	token = (struct token){ .account = 1, .key_id = 1 };
	assert_int_equal(token_mint(&token, directory->keys[0].secret, directory->arena, &text),
			 OK);
	assert_int_equal(minting_verify_by(directory, &token), TOKEN_VALID);
}

struct domain_case {
	uint64_t account;
	const char *wanted;
	const char *expected; /* NULL: none */
};

static const struct domain_case DOMAIN_CASES[] = {
	{ 1, "", "bounce.one.example" }, /* its own before the shared one */
	{ 1, "other.one.example", "other.one.example" },
	{ 1, "a.shared.example", "a.shared.example" },
	{ 1, "bounce.two.example", NULL }, /* another account's */
	{ 1, "nowhere.example", NULL },
	{ 3, "", "a.shared.example" }, /* has none of its own */
};

static void finds_the_domain(void **state)
{
	struct directory *directory = *state;

	for (size_t i = 0; i < sizeof(DOMAIN_CASES) / sizeof(DOMAIN_CASES[0]); i++) {
		const struct domain_case *c = &DOMAIN_CASES[i];
		struct slice domain;
		enum err err = minting_domain_by(directory, c->account, slice_from_cstr(c->wanted),
						 directory->arena, &domain);

		assert_int_equal(err, c->expected ? OK : ERR_MISSING);
		if (c->expected)
			assert_true(slice_equal(domain, slice_from_cstr(c->expected)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mints_with_the_current_key, setup, teardown),
		cmocka_unit_test_setup_teardown(commits_to_nothing_without_address, setup,
						teardown),
		cmocka_unit_test_setup_teardown(needs_a_current_key_and_a_possible_day, setup,
						teardown),
		cmocka_unit_test_setup_teardown(tells_wrong_signatures_from_unknown_keys, setup,
						teardown),
		cmocka_unit_test_setup_teardown(finds_the_domain, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
