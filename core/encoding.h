/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base 32 (RFC 4648, lower case, no padding), base64url (no padding), base64 and hex.
 * Encoders write into caller's memory of the size the _LEN macro gives and add no NUL. Decoders are
 * strict: wrong characters, wrong length and non-zero slack bits are refused.
 */
#ifndef BOUNCED_CORE_ENCODING_H
#define BOUNCED_CORE_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/slice.h"

#define BASE32_LEN(bytes)    (((bytes)*8 + 4) / 5)
#define BASE64URL_LEN(bytes) (((bytes)*8 + 5) / 6)
#define HEX_LEN(bytes)       ((bytes)*2)

size_t base32_encode(const uint8_t *bytes, size_t len, char *ret_text);
/* Either case. Returns the number of bytes, or -1 when malformed or more than `cap`. */
ptrdiff_t base32_decode(struct slice text, uint8_t *ret_bytes, size_t cap);

size_t base64url_encode(const uint8_t *bytes, size_t len, char *ret_text);
ptrdiff_t base64url_decode(struct slice text, uint8_t *ret_bytes, size_t cap);
/* RFC 4648 4, with its padding and nothing else. */
ptrdiff_t base64_decode(struct slice text, uint8_t *ret_bytes, size_t cap);

size_t hex_encode(const uint8_t *bytes, size_t len, char *ret_text);
ptrdiff_t hex_decode(struct slice text, uint8_t *ret_bytes, size_t cap);

#endif
