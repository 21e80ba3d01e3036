/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: what decodes is the one spelling of its fields, so that minting them again differs in the
 * MAC only; a minted token is valid until any bit of it changes, and comes back out of SRS and
 * BATV.
 */
#include <string.h>

#include "core/arena.h"
#include "core/encoding.h"
#include "core/token.h"
#include "tests/fuzz/check.h"

static const uint8_t KEY[TOKEN_KEY_LEN] = { 7 };

static bool same_fields(const struct token *a, const struct token *b)
{
	return a->kind == b->kind && a->key_id == b->key_id && a->issue_day == b->issue_day &&
	       a->account == b->account && a->campaign == b->campaign &&
	       a->ref_is_uuid == b->ref_is_uuid && a->ref == b->ref &&
	       memcmp(&a->ref_uuid, &b->ref_uuid, sizeof(a->ref_uuid)) == 0 &&
	       a->has_commitment == b->has_commitment &&
	       memcmp(a->commitment, b->commitment, TOKEN_COMMITMENT_MAX) == 0;
}

static void check_wrapped(struct slice text, struct arena *arena)
{
	static const struct {
		const char *before, *behind;
	} WRAPS[] = {
		{ "prvs=0123abcdef=", "" },
		{ "prvs=", "=0123abcdef" },
		{ "SRS0=HHHH=TT=mx.example=", "" },
		{ "srs1+HHHH=relay.example==HHHH=TT=mx.example=", "" },
		{ "prvs=0123abcdef=SRS0=HHHH=TT=mx.example=", "" },
	};

	for (size_t i = 0; i < sizeof(WRAPS) / sizeof(WRAPS[0]); i++) {
		struct slice wrapped = arena_printf(arena, "%s%.*s%s", WRAPS[i].before,
						    SLICE_ARG(text), WRAPS[i].behind);
		require(slice_equal(return_path_unwrap(wrapped), text));
	}
}

/* flip: which bit of the token to change. */
static void check_minted(struct slice text, const struct token *token, unsigned flip)
{
	struct token back;

	require(token_decode(text, &back) && same_fields(&back, token));
	require(token_mac_valid(&back, KEY));
	flip %= back.byte_count * 8u;
	back.bytes[flip / 8] ^= (uint8_t)(1u << flip % 8);
	require(!token_mac_valid(&back, KEY));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_from((const char *)data, size);
	struct arena *arena = arena_new(0);
	struct token token, minted;
	struct slice again;
	char spelled[TOKEN_TEXT_MAX];

	require(lies_in(return_path_unwrap(text), text));
	if (token_decode(text, &token)) {
		size_t len = base32_encode(token.bytes, token.byte_count, spelled);
		require(slice_equal_nocase(slice_from(spelled, len), slice_skip(text, 2)));
		minted = token;
		require(token_mint(&minted, KEY, arena, &again) == OK);
		require(minted.byte_count == token.byte_count && again.len == text.len);
		require(memcmp(minted.bytes, token.bytes, token.byte_count - TOKEN_MAC_LEN) == 0);
		check_minted(again, &token, data[size - 1]);
		check_wrapped(again, arena);
	}
	arena_free(arena);
	return 0;
}
