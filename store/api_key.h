/* SPDX-License-Identifier: Apache-2.0 */
/*
 * API keys as text: bd_<key id>_<secret>, both parts lower-case base 32. The database holds the id
 * and the SHA-256 of the secret only; 256 random bits need no slow hash.
 */
#ifndef BOUNCED_STORE_API_KEY_H
#define BOUNCED_STORE_API_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/hash.h"
#include "core/slice.h"

#define API_KEY_PREFIX     "bd_"
#define API_KEY_ID_LEN     13 /* 8 bytes */
#define API_KEY_SECRET_LEN 52 /* 32 bytes */
#define API_KEY_TEXT_LEN   (3 + API_KEY_ID_LEN + 1 + API_KEY_SECRET_LEN)

struct api_key_text {
	struct slice id;
	uint8_t secret_sha256[SHA256_LEN];
};

/* A new random key; writes API_KEY_TEXT_LEN bytes and a NUL. */
void api_key_generate(char ret_text[API_KEY_TEXT_LEN + 1]);
/* false for what is no key at all. The id points into text. */
bool api_key_read(struct slice text, struct api_key_text *ret_key);

#endif
