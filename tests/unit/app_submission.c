/* SPDX-License-Identifier: Apache-2.0 */
/* Which passwords of SMTP AUTH are keys, and what an old and a fresh directory say to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/submission.h"

#define NOW INT64_C(1795000000000)

struct world {
	struct directory directory;
	struct directory_api_key keys[2];
	char text[2][API_KEY_TEXT_LEN + 1];
};

/* Two keys of accounts 7 and 8; the second one has expired. */
static void make(struct world *world)
{
	*world = (struct world){ 0 };
	for (size_t i = 0; i < 2; i++) {
		struct api_key_text text;

		api_key_generate(world->text[i]);
		assert_true(api_key_read(slice_from_cstr(world->text[i]), &text));
		world->keys[i] = (struct directory_api_key){
			.id = text.id,
			.account_id = 7 + i,
			.expires_at = i == 0 ? INT64_MAX : NOW,
		};
		memcpy(world->keys[i].secret_sha256, text.secret_sha256, SHA256_LEN);
	}
	world->directory.api_keys = world->keys;
	world->directory.api_key_count = 2;
	directory_finish(&world->directory);
}

static enum submission_verdict check(const struct world *world, const char *password,
				     bool refreshed, int64_t now, uint64_t *ret_account_id)
{
	struct submission_key key;

	assert_true(submission_key_read(slice_from_cstr(password), &key));
	return submission_check(&world->directory, &key, now, refreshed, ret_account_id);
}

static void test_keys(void **state)
{
	char unknown[API_KEY_TEXT_LEN + 1], forged[API_KEY_TEXT_LEN + 1];
	struct world world;
	uint64_t account = 0;

	(void)state;
	make(&world);
	assert_int_equal(check(&world, world.text[0], false, NOW, &account), SUBMISSION_ACCEPT);
	assert_int_equal(account, 7);
	/* until its last millisecond */
	assert_int_equal(check(&world, world.text[1], false, NOW - 1, &account), SUBMISSION_ACCEPT);
	assert_int_equal(account, 8);
	assert_int_equal(check(&world, world.text[1], true, NOW, &account), SUBMISSION_REFUSE);

	/* the secret of another key */
	memcpy(forged, world.text[0], sizeof(forged));
	memcpy(forged + API_KEY_TEXT_LEN - API_KEY_SECRET_LEN,
	       world.text[1] + API_KEY_TEXT_LEN - API_KEY_SECRET_LEN, API_KEY_SECRET_LEN);
	assert_int_equal(check(&world, forged, false, NOW, &account), SUBMISSION_REFUSE);

	/* it may be newer than our directory */
	api_key_generate(unknown);
	assert_int_equal(check(&world, unknown, false, NOW, &account), SUBMISSION_REFRESH);
	assert_int_equal(check(&world, unknown, true, NOW, &account), SUBMISSION_REFUSE);
	assert_int_equal(account, 8); /* untouched */
}

static void test_what_is_no_key(void **state)
{
	static const char *const passwords[] = { "", "secret", "bd_", "bd_0123456789abc_x" };
	struct submission_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++)
		assert_false(submission_key_read(slice_from_cstr(passwords[i]), &key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_what_is_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
