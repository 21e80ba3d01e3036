/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: the signed local part of a return path (docs/token.md has the layout and test vectors).
 * Whoever presents a valid token has seen a mail that the account sent to that recipient.
 */
#ifndef BOUNCED_CORE_TOKEN_H
#define BOUNCED_CORE_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/slice.h"
#include "core/uuid.h"

#define TOKEN_PREFIX         "b-"
#define TOKEN_TEXT_MAX       63
#define TOKEN_BYTES_MAX      38
#define TOKEN_MAC_LEN        10
#define TOKEN_COMMITMENT_MAX 5
#define TOKEN_KEY_LEN        32

enum token_kind { TOKEN_BOUNCE, TOKEN_COMPLAINT, TOKEN_UNSUBSCRIBE, TOKEN_PROBE };

struct token {
	enum token_kind kind;
	uint8_t key_id;
	uint16_t issue_day; /* days since 2025-01-01 */
	uint64_t account;
	uint64_t campaign; /* 0: none */
	bool ref_is_uuid;
	uint64_t ref; /* 0: none; unless ref_is_uuid */
	struct uuid ref_uuid;
	bool has_commitment;
	uint8_t commitment[TOKEN_COMMITMENT_MAX]; /* 5 bytes, or 3 when ref_is_uuid */
	uint8_t bytes[TOKEN_BYTES_MAX];           /* as decoded or minted, MAC included */
	uint8_t byte_count;
};

/*
 * Reads the structure only; the MAC is not looked at. Takes the text with its prefix, in any case.
 * false: malformed (wrong alphabet or length, unknown version or flag, non-zero slack bits,
 * non-minimal varints).
 */
bool token_decode(struct slice text, struct token *ret_token);
/* Constant time. */
bool token_mac_valid(const struct token *token, const uint8_t key[TOKEN_KEY_LEN]);
/* Fills bytes and byte_count from the other members, signs, and returns the text in the arena.
 * ERR_REFUSE when account, campaign do not fit their fields. */
enum err token_mint(struct token *token, const uint8_t key[TOKEN_KEY_LEN], struct arena *arena,
		    struct slice *ret_text) MUST_CHECK;

/* address: any spelling; it is normalised here. Sets commitment and has_commitment; call before
 * token_mint(), after ref_is_uuid is decided. */
void token_commit(struct token *token, const uint8_t key[TOKEN_KEY_LEN], struct arena *arena,
		  struct slice address);
/* false also for a token without commitment and for an empty address */
bool token_commitment_fits(const struct token *token, const uint8_t key[TOKEN_KEY_LEN],
			   struct arena *arena, struct slice address);
/* The ref as text: decimal, or a UUID; empty where there is none. */
struct slice token_ref_text(const struct token *token, struct arena *arena);

/* Undoes SRS0, SRS1 and BATV (prvs=) wrappings of a local part; returns it unchanged otherwise. */
struct slice return_path_unwrap(struct slice local);

const char *token_kind_word(enum token_kind kind);
bool token_kind_from_word(struct slice word, enum token_kind *ret_kind);

#endif
