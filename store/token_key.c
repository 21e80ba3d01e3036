/* SPDX-License-Identifier: Apache-2.0 */
#include "store/token_key.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CONTEXT_MAX 48

static const char *const STATE_WORDS[] = {
	[TOKEN_KEY_NEXT] = "next",
	[TOKEN_KEY_CURRENT] = "current",
	[TOKEN_KEY_RETIRED] = "retired",
	[TOKEN_KEY_REVOKED] = "revoked",
};
#define STATE_COUNT (sizeof(STATE_WORDS) / sizeof(STATE_WORDS[0]))

static struct slice seal_context(struct token_key_place place, char ret_text[CONTEXT_MAX])
{
	int len = snprintf(ret_text, CONTEXT_MAX, "token_key/%llu/%u",
			   (unsigned long long)place.account_id, place.key_id);

	return slice_from(ret_text, (size_t)len);
}

struct slice token_key_seal(const uint8_t master_key[SECRETBOX_KEY_LEN],
			    struct token_key_place place, const uint8_t secret[TOKEN_KEY_LEN],
			    struct arena *arena)
{
	char context[CONTEXT_MAX];
	struct buf box;

	buf_init(&box, TOKEN_KEY_LEN + SECRETBOX_OVERHEAD);
	secretbox_seal(master_key, seal_context(place, context),
		       slice_from((const char *)secret, TOKEN_KEY_LEN), &box);
	struct slice copy = arena_copy(arena, buf_slice(&box));
	buf_done(&box);
	return copy;
}

enum err token_key_open(const uint8_t master_key[SECRETBOX_KEY_LEN], struct token_key_place place,
			struct slice box, uint8_t ret_secret[TOKEN_KEY_LEN])
{
	char context[CONTEXT_MAX];
	struct buf secret;

	if (box.len != TOKEN_KEY_LEN + SECRETBOX_OVERHEAD)
		return ERR_REFUSE;
	buf_init(&secret, TOKEN_KEY_LEN);
	enum err err = secretbox_open(master_key, seal_context(place, context), box, &secret);
	if (err == OK) {
		memcpy(ret_secret, secret.data, TOKEN_KEY_LEN);
		explicit_bzero(secret.data, secret.len);
	}
	buf_done(&secret);
	return err;
}

const char *token_key_state_word(enum token_key_state state)
{
	assert((size_t)state < STATE_COUNT);
	return STATE_WORDS[state];
}

bool token_key_state_from_word(struct slice word, enum token_key_state *ret_state)
{
	for (size_t i = 0; i < STATE_COUNT; i++) {
		if (slice_equal(word, slice_from_cstr(STATE_WORDS[i]))) {
			*ret_state = (enum token_key_state)i;
			return true;
		}
	}
	return false;
}
