/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/sasl.h"

#define CHALLENGES 3

/* Each line's result; the last one's credentials where it is SASL_DONE. */
static const struct {
	const char *mechanism;
	struct {
		const char *line;
		enum sasl_result result;
	} lines[CHALLENGES];
	const char *user, *password;
} cases[] = {
	/* NUL key NUL good */
	{ "PLAIN", { { "AGtleQBnb29k", SASL_DONE } }, "key", "good" },
	{ "plain", { { "AGtleQBnb29k", SASL_DONE } }, "key", "good" },
	/* id NUL key NUL good: another identity is of no consequence */
	{ "PLAIN", { { "aWQAa2V5AGdvb2Q=", SASL_DONE } }, "key", "good" },
	/* NUL NUL good: a key needs no name */
	{ "PLAIN", { { "AABnb29k", SASL_DONE } }, "", "good" },
	{ "PLAIN", { { "AGtleQA=", SASL_BROKEN } }, NULL, NULL },    /* no password */
	{ "PLAIN", { { "AGtleQ==", SASL_BROKEN } }, NULL, NULL },    /* one field less */
	{ "PLAIN", { { "AGEAYgBj", SASL_BROKEN } }, NULL, NULL },    /* one more */
	{ "PLAIN", { { "=", SASL_BROKEN } }, NULL, NULL },           /* nothing */
	{ "PLAIN", { { "", SASL_BROKEN } }, NULL, NULL },            /* nothing */
	{ "PLAIN", { { "AGtleQBnb29", SASL_BROKEN } }, NULL, NULL }, /* no base64 */
	{ "PLAIN", { { "AGtleQBnb29k=", SASL_BROKEN } }, NULL, NULL },
	{ "PLAIN", { { "AGtleQBnb29-", SASL_BROKEN } }, NULL, NULL },
	{ "PLAIN", { { "AGtleQ Bnb29", SASL_BROKEN } }, NULL, NULL },
	{ "PLAIN", { { "*", SASL_CANCELLED } }, NULL, NULL },
	{ "LOGIN", { { "a2V5", SASL_CONTINUE }, { "Z29vZA==", SASL_DONE } }, "key", "good" },
	{ "LOGIN", { { "=", SASL_CONTINUE }, { "Z29vZA==", SASL_DONE } }, "", "good" },
	{ "LOGIN", { { "a2V5", SASL_CONTINUE }, { "*", SASL_CANCELLED } }, NULL, NULL },
	{ "LOGIN", { { "AGtleQBnb29k", SASL_BROKEN } }, NULL, NULL }, /* NUL */
	{ "LOGIN", { { "a2V5", SASL_CONTINUE }, { "Z29vZA=", SASL_BROKEN } }, NULL, NULL },
	/* slack bits that are not zero: another spelling of the same */
	{ "LOGIN", { { "a2V5", SASL_CONTINUE }, { "Z29vZB==", SASL_BROKEN } }, NULL, NULL },
};

static void test_exchanges(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sasl *sasl = sasl_new(slice_from_cstr(cases[i].mechanism));

		assert_non_null(sasl);
		for (size_t j = 0; j < CHALLENGES && cases[i].lines[j].line != NULL; j++) {
			enum sasl_result result =
				sasl_next(sasl, slice_from_cstr(cases[i].lines[j].line));

			if (result != cases[i].lines[j].result)
				fail_msg("case %zu, line %zu: %d", i, j, (int)result);
		}
		if (cases[i].user != NULL) {
			struct sasl_credentials said = sasl_credentials(sasl);

			assert_true(slice_equal(said.user, slice_from_cstr(cases[i].user)));
			assert_true(slice_equal(said.password, slice_from_cstr(cases[i].password)));
		}
		sasl_free(sasl);
	}
}

static void test_challenges(void **state)
{
	struct sasl *sasl = sasl_new(SLICE("LOGIN"));

	(void)state;
	assert_true(slice_equal(sasl_challenge(sasl), SLICE("VXNlcm5hbWU6")));
	assert_int_equal(sasl_next(sasl, SLICE("a2V5")), SASL_CONTINUE);
	assert_true(slice_equal(sasl_challenge(sasl), SLICE("UGFzc3dvcmQ6")));
	sasl_free(sasl);
	sasl = sasl_new(SLICE("PLAIN"));
	assert_true(slice_empty(sasl_challenge(sasl)));
	sasl_free(sasl);
	assert_null(sasl_new(SLICE("CRAM-MD5")));
	assert_null(sasl_new(SLICE("")));
	sasl_free(NULL);
}

/* 512 bytes are taken, not one more. */
static void test_long_answers(void **state)
{
	char line[688];

	(void)state;
	for (size_t bytes = 511; bytes <= 514; bytes++) {
		struct sasl *sasl = sasl_new(SLICE("LOGIN"));
		size_t rest = bytes % 3, len = (bytes + 2) / 3 * 4;

		memset(line, 'A', sizeof(line));
		if (rest > 0)
			memset(line + len - (3 - rest), '=', 3 - rest);
		/* NUL is refused in an answer of LOGIN: a letter for each byte */
		for (size_t i = 0; i < len && line[i] != '='; i += 4)
			memcpy(line + i, "QUFB",
			       line[i + 2] == '='   ? 2
			       : line[i + 3] == '=' ? 3
						    : 4);
		if (rest == 1)
			line[len - 3] = 'Q';
		if (rest == 2)
			line[len - 2] = 'E';
		assert_int_equal(sasl_next(sasl, slice_from(line, len)),
				 bytes <= 512 ? SASL_CONTINUE : SASL_BROKEN);
		sasl_free(sasl);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchanges),
		cmocka_unit_test(test_challenges),
		cmocka_unit_test(test_long_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
