/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 * Text is repaired once, at the border to SQL and JSON.
 */
#ifndef BOUNCED_CORE_UTF8_H
#define BOUNCED_CORE_UTF8_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/slice.h"

/* Valid and without U+0000. */
bool utf8_valid(struct slice text);
/* Each invalid byte and each U+0000 becomes U+FFFD. Returns `text` itself where nothing is wrong.
 */
struct slice utf8_repair(struct arena *arena, struct slice text);
/* At most `max` bytes, cut between characters. */
struct slice utf8_truncate(struct slice text, size_t max);
/*
 * Takes the next code point off *rest. Returns -1 for an invalid byte (one byte is taken), and
 * must not be called on an empty slice.
 */
int32_t utf8_next(struct slice *rest);
/* Writes 1..4 bytes, returns how many. */
size_t utf8_encode(uint32_t code_point, char ret_bytes[4]);

#endif
