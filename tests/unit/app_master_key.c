/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/master_key.h"

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char path[] = "/tmp/bounced-key-XXXXXX";

static void write_key(const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int setup(void **state)
{
	int fd;

	(void)state;
	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void reads_a_key(void **state)
{
	const struct config config = { .master_key_file = path };
	uint8_t key[SECRETBOX_KEY_LEN];
	char error[200];

	(void)state;
	write_key(HEX "\n", 0600);
	assert_true(master_key_load(&config, key, error, sizeof(error)));
	for (unsigned i = 0; i < sizeof(key); i++)
		assert_int_equal(key[i], i);
	write_key(HEX, 0440);
	assert_true(master_key_load(&config, key, error, sizeof(error)));
}

static void refuses_what_is_no_key(void **state)
{
	static const char *const texts[] = { "", "\n", "00", HEX "00", HEX "\n\nx", "g" HEX };
	const struct config config = { .master_key_file = path };
	uint8_t key[SECRETBOX_KEY_LEN];
	char error[200];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_key(texts[i], 0600);
		assert_false(master_key_load(&config, key, error, sizeof(error)));
		assert_non_null(strstr(error, path));
		assert_non_null(strstr(error, "64 hexadecimal digits"));
	}
}

static void refuses_a_file_for_everybody(void **state)
{
	const struct config config = { .master_key_file = path };
	uint8_t key[SECRETBOX_KEY_LEN];
	char error[200];

	(void)state;
	write_key(HEX, 0644);
	assert_false(master_key_load(&config, key, error, sizeof(error)));
	assert_non_null(strstr(error, "everybody may read it"));
}

static void says_which_file_is_missing(void **state)
{
	const struct config config = { .master_key_file = "/nonexistent/master.key" };
	uint8_t key[SECRETBOX_KEY_LEN];
	char error[200];

	(void)state;
	assert_false(master_key_load(&config, key, error, sizeof(error)));
	assert_non_null(strstr(error, "/nonexistent/master.key: No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_a_key, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_key, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_a_file_for_everybody, setup, teardown),
		cmocka_unit_test(says_which_file_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
