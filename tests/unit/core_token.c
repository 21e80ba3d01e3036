/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/encoding.h"
#include "core/token.h"

static uint8_t key[TOKEN_KEY_LEN];

static int setup(void **state)
{
	for (unsigned i = 0; i < TOKEN_KEY_LEN; i++)
		key[i] = (uint8_t)i;
	*state = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

/* The rows of docs/token.md, computed there by another implementation. */
struct vector {
	const char *what;
	enum token_kind kind;
	uint8_t key_id;
	uint16_t day;
	uint64_t account, campaign, ref;
	const char *uuid, *address, *hex, *text;
};

#define UUID "0190163d-8694-739b-aea5-966c26f8ad91"

static const struct vector VECTORS[] = {
	{ "small numbers", TOKEN_BOUNCE, 1, 691, 1, 0, 1, NULL, NULL,
	  "200102b301000169d0686ab592394dfabf", "b-eaaqfmybaaawtudink2zeokn7k7q" },
	{ "commitment", TOKEN_BOUNCE, 1, 691, 7, 12, 345678, NULL, "user@example.com",
	  "220102b3070cce8c156d05b6e9a4b12c002d8426c0ce71ae",
	  "b-eiaqfmyhbthiyflnaw3otjfrfqac3bbgydhhdlq" },
	{ "largest fields", TOKEN_COMPLAINT, 255, 65535, (1u << 28) - 1, (UINT64_C(1) << 35) - 1,
	  UINT64_MAX, NULL, "user@example.com",
	  "2affffffffffff7fffffffff7fffffffffffffffffff016d05b6e9a44026e5ab7793b843d916",
	  "b-fl777777777x7777777x777777777777777qc3ifw3u2iqbg4wvxpe5yipmrm" },
	{ "no ref", TOKEN_UNSUBSCRIBE, 0, 0, 127, 128, 0, NULL, NULL,
	  "300000007f80010065c7ce5f67479ec6319a", "b-gaaaaad7qaaqazohzzpwor46yyyzu" },
	{ "UUID", TOKEN_PROBE, 2, 700, 16383, 2097151, 0, UUID, NULL,
	  "390202bcff7fffff7f0190163d8694739baea5966c26f8ad915f88b8129c1562937098",
	  "b-hebafph7p77767ybsald3buuoon25jmwnqtprlmrl6elqeu4cvrjg4ey" },
	{ "UUID and commitment", TOKEN_BOUNCE, 2, 700, 300, 5, 0, UUID, "user@example.com",
	  "230202bcac02050190163d8694739baea5966c26f8ad916d05b66734744a5bb16a5f380b",
	  "b-embafpfmaicqdeawhwdji443v2szm3bg7cwzc3ifwztti5ckloywuxzybm" },
};
#define VECTOR_COUNT (sizeof(VECTORS) / sizeof(VECTORS[0]))

static struct token token_of(const struct vector *v, struct arena *arena)
{
	struct token token = { .kind = v->kind,
			       .key_id = v->key_id,
			       .issue_day = v->day,
			       .account = v->account,
			       .campaign = v->campaign,
			       .ref = v->ref };

	if (v->uuid != NULL) {
		token.ref_is_uuid = true;
		assert_true(uuid_parse(slice_from_cstr(v->uuid), &token.ref_uuid));
	}
	if (v->address != NULL)
		token_commit(&token, key, arena, slice_from_cstr(v->address));
	return token;
}

static void test_mints_the_vectors(void **state)
{
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		struct token token = token_of(&VECTORS[i], *state);
		struct slice text;
		uint8_t bytes[TOKEN_BYTES_MAX];

		assert_int_equal(token_mint(&token, key, *state, &text), OK);
		assert_string_equal(text.ptr, VECTORS[i].text);
		ptrdiff_t len = hex_decode(slice_from_cstr(VECTORS[i].hex), bytes, sizeof(bytes));
		assert_int_equal(len, token.byte_count);
		assert_memory_equal(bytes, token.bytes, (size_t)len);
	}
}

static void test_decodes_the_vectors(void **state)
{
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		const struct vector *v = &VECTORS[i];
		struct token token;

		assert_true(token_decode(slice_from_cstr(v->text), &token));
		assert_true(token_mac_valid(&token, key));
		assert_int_equal(token.kind, v->kind);
		assert_int_equal(token.key_id, v->key_id);
		assert_int_equal(token.issue_day, v->day);
		assert_true(token.account == v->account && token.campaign == v->campaign);
		assert_true(token.ref == v->ref);
		assert_int_equal(token.ref_is_uuid, v->uuid != NULL);
		struct slice ref = token_ref_text(&token, *state);
		if (v->uuid != NULL)
			assert_string_equal(ref.ptr, v->uuid);
		else if (v->ref == 0)
			assert_int_equal(ref.len, 0);
		if (v->address != NULL)
			assert_true(token_commitment_fits(&token, key, *state,
							  SLICE("<USER@Example.COM>")));
		assert_false(token_commitment_fits(&token, key, *state, SLICE("user@example.net")));
		assert_false(token_commitment_fits(&token, key, *state, SLICE_NONE));
	}
}

static void test_upper_case_is_the_same_token(void **state)
{
	struct token lower, upper;
	char text[TOKEN_TEXT_MAX + 1];

	(void)state;
	memcpy(text, VECTORS[1].text, strlen(VECTORS[1].text) + 1);
	for (char *c = text; *c != '\0'; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 32);
	assert_true(token_decode(slice_from_cstr(VECTORS[1].text), &lower));
	assert_true(token_decode(slice_from_cstr(text), &upper));
	assert_memory_equal(lower.bytes, upper.bytes, lower.byte_count);
	assert_true(token_mac_valid(&upper, key));
}

/* Every bit of every vector: either it no longer decodes or its MAC is wrong. */
static void test_every_flipped_bit_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		struct token token;

		assert_true(token_decode(slice_from_cstr(VECTORS[i].text), &token));
		for (unsigned bit = 0; bit < token.byte_count * 8u; bit++) {
			char text[TOKEN_TEXT_MAX + 1] = TOKEN_PREFIX;
			uint8_t bytes[TOKEN_BYTES_MAX];
			struct token flipped;

			memcpy(bytes, token.bytes, token.byte_count);
			bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
			size_t len = 2 + base32_encode(bytes, token.byte_count, text + 2);
			if (token_decode(slice_from(text, len), &flipped))
				assert_false(token_mac_valid(&flipped, key));
		}
	}
}

static void test_malformed(void **state)
{
	static const char *const texts[] = {
		"",
		"b-",
		"eaaqfmybaaawtudink2zeokn7k7q",   /* no prefix */
		"b-eaaqfmybaaawtudink2zeokn7k7",  /* a digit short */
		"b-eaaqfmybaaawtudink2zeokn7k7r", /* slack bit set */
		"b-eaaqfmybaaawtudink2zeokn7k7q=",
		"b-eaaqfmybaaawtudink2zeokn7k7q+tag",
		"b-eaaqfmybaaawtudink2zeokn1k7q", /* 1 is not in the alphabet */
		"b-gaaaaad7qaaqazohzzpwor46yyyzugaaaaad7qaaqazohzzpwor46yyyzugaaaaa",
	};
	struct token token;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(token_decode(slice_from_cstr(texts[i]), &token));
}

/* Whole tokens given as bytes, so that the structure alone is at fault. */
static void test_malformed_structure(void **state)
{
	static const char *const bytes_hex[] = {
		"400102b3010001"
		"00000000000000000000", /* version 2 */
		"240102b3010001"
		"00000000000000000000", /* unknown flag */
		"200102b381000001"
		"00000000000000000000", /* account 1 in two bytes */
		"200102b3010081"
		"00000000000000000000", /* ref's varint does not end */
		"200102b30100"
		"00000000000000000000", /* no ref */
		"200102b301000100"
		"00000000000000000000", /* a byte too many */
		"200102b3ffffffff7f0001"
		"00000000000000000000", /* account of five bytes */
		"200102b30100ffffffffffffffffff02"
		"00000000000000000000", /* ref over 64 bits */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bytes_hex) / sizeof(bytes_hex[0]); i++) {
		uint8_t bytes[TOKEN_BYTES_MAX];
		char text[TOKEN_TEXT_MAX + 1] = TOKEN_PREFIX;
		struct token token;
		ptrdiff_t len = hex_decode(slice_from_cstr(bytes_hex[i]), bytes, sizeof(bytes));

		assert_true(len > 0);
		size_t text_len = 2 + base32_encode(bytes, (size_t)len, text + 2);
		assert_false(token_decode(slice_from(text, text_len), &token));
	}
}

static void test_mint_refuses_what_does_not_fit(void **state)
{
	struct token account = { .account = UINT64_C(1) << 28 };
	struct token campaign = { .campaign = UINT64_C(1) << 35 };
	struct token with_uuid = { .ref_is_uuid = true, .account = 1 << 14 };
	struct slice text;

	assert_int_equal(token_mint(&account, key, *state, &text), ERR_REFUSE);
	assert_int_equal(token_mint(&campaign, key, *state, &text), ERR_REFUSE);
	assert_int_equal(token_mint(&with_uuid, key, *state, &text), ERR_REFUSE);
}

static void test_unwraps_forwarders(void **state)
{
	static const struct {
		const char *local, *expected;
	} cases[] = {
		{ "b-abc", "b-abc" },
		{ "SRS0=HHH=TT=bounce.example=b-abc", "b-abc" },
		{ "srs0+HHH=TT=bounce.example=b-abc", "b-abc" },
		{ "SRS1=HHH=first.example==HHH=TT=bounce.example=b-abc", "b-abc" },
		{ "SRS1=HHH=first.example=+HHH=TT=bounce.example=b-abc", "b-abc" },
		{ "prvs=0123456789=b-abc", "b-abc" },
		{ "prvs=b-abc=0123456789", "b-abc" },
		{ "prvs=0123456789=SRS0=HHH=TT=bounce.example=b-abc", "b-abc" },
		{ "SRS0=HHH=TT", "SRS0=HHH=TT" },
		{ "SRS0", "SRS0" },
		{ "SRS0xHHH=TT=bounce.example=b-abc", "SRS0xHHH=TT=bounce.example=b-abc" },
		{ "SRS1xHHH=first.example==HHH=TT=bounce.example=b-abc",
		  "SRS1xHHH=first.example==HHH=TT=bounce.example=b-abc" },
		{ "SRS1=HHH=first.example", "SRS1=HHH=first.example" },
		{ "SRS1=HHH=first.example=xHHH=TT=bounce.example=b-abc",
		  "SRS1=HHH=first.example=xHHH=TT=bounce.example=b-abc" },
		/* four layers come off, no more */
		{ "prvs=1=prvs=2=prvs=3=prvs=4=b-abc", "b-abc" },
		{ "prvs=1=prvs=2=prvs=3=prvs=4=prvs=5=b-abc", "prvs=5=b-abc" },
		{ "prvs=", "prvs=" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice inner = return_path_unwrap(slice_from_cstr(cases[i].local));

		assert_int_equal(inner.len, strlen(cases[i].expected));
		assert_memory_equal(inner.ptr, cases[i].expected, inner.len);
	}
}

static void test_commits_to_addresses_only(void **state)
{
	struct token token = { .has_commitment = true };

	token_commit(&token, key, *state, SLICE("no address"));
	assert_false(token.has_commitment);
	token_commit(&token, key, *state, SLICE("user@example.com"));
	assert_true(token.has_commitment);
}

static void test_kinds_have_words(void **state)
{
	static const enum token_kind kinds[] = { TOKEN_BOUNCE, TOKEN_COMPLAINT, TOKEN_UNSUBSCRIBE,
						 TOKEN_PROBE };
	enum token_kind kind;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		assert_true(
			token_kind_from_word(slice_from_cstr(token_kind_word(kinds[i])), &kind));
		assert_int_equal(kind, kinds[i]);
	}
	assert_false(token_kind_from_word(SLICE("Bounce"), &kind));
	assert_false(token_kind_from_word(SLICE_NONE, &kind));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mints_the_vectors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_decodes_the_vectors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_upper_case_is_the_same_token, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_flipped_bit_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed_structure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mint_refuses_what_does_not_fit, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_unwraps_forwarders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_commits_to_addresses_only, setup, teardown),
		cmocka_unit_test(test_kinds_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
