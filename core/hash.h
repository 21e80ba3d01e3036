/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256, HMAC-SHA-256, AES-256-GCM and random bytes, by OpenSSL's libcrypto.
 * A failing libcrypto aborts: nothing here can go wrong for the sake of its input, except
 * secretbox_open(), which says when the box was not sealed with that key.
 */
#ifndef BOUNCED_CORE_HASH_H
#define BOUNCED_CORE_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/slice.h"

#define SHA256_LEN        32
#define SECRETBOX_KEY_LEN 32
/* nonce 12 in front, tag 16 behind */
#define SECRETBOX_OVERHEAD 28

void sha256(struct slice data, uint8_t ret_digest[SHA256_LEN]);
/* Of several pieces, each preceded by its length as 8 bytes big-endian, so that no two lists of
 * pieces share a digest. */
void sha256_pieces(const struct slice *pieces, size_t count, uint8_t ret_digest[SHA256_LEN]);
void hmac_sha256(struct slice key, struct slice data, uint8_t ret_mac[SHA256_LEN]);
bool bytes_equal_constant_time(const uint8_t *a, const uint8_t *b, size_t len);
void random_bytes(uint8_t *ret_bytes, size_t len);

/* Appends nonce, ciphertext and tag to out. `context` is authenticated but not stored. */
void secretbox_seal(const uint8_t key[SECRETBOX_KEY_LEN], struct slice context, struct slice secret,
		    struct buf *out);
/* ERR_REFUSE when key, context or box do not belong together. */
enum err secretbox_open(const uint8_t key[SECRETBOX_KEY_LEN], struct slice context,
			struct slice box, struct buf *out) MUST_CHECK;

#endif
