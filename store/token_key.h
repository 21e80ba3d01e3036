/* SPDX-License-Identifier: Apache-2.0 */
/* Token keys at rest: sealed with the master key, which the database never sees. */
#ifndef BOUNCED_STORE_TOKEN_KEY_H
#define BOUNCED_STORE_TOKEN_KEY_H

#include <stdint.h>

#include "core/arena.h"
#include "core/directory.h"
#include "core/err.h"
#include "core/hash.h"
#include "core/slice.h"

/* Tokens of a retired key are verified for so long, as complaints need it (directory.c). */
#define TOKEN_KEY_RETIRED_DAYS 400

struct token_key_place {
	uint64_t account_id;
	uint8_t key_id;
};

/* The box, in the arena. It opens only at the same place. */
struct slice token_key_seal(const uint8_t master_key[SECRETBOX_KEY_LEN],
			    struct token_key_place place, const uint8_t secret[TOKEN_KEY_LEN],
			    struct arena *arena);
/* ERR_REFUSE: sealed with another master key or for another place, or damaged. */
enum err token_key_open(const uint8_t master_key[SECRETBOX_KEY_LEN], struct token_key_place place,
			struct slice box, uint8_t ret_secret[TOKEN_KEY_LEN]) MUST_CHECK;

const char *token_key_state_word(enum token_key_state state);
/* false for an unknown word */
bool token_key_state_from_word(struct slice word, enum token_key_state *ret_state);

#endif
