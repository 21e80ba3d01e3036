/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 2047 encoded words in header values, as mail has them in fact: inside quotes and addresses,
 * without white space between them, with white space in their text, characters split between two.
 */
#ifndef BOUNCED_PARSER_ENCODED_WORD_H
#define BOUNCED_PARSER_ENCODED_WORD_H

#include "core/arena.h"
#include "core/slice.h"

/* UTF-8 of an unfolded value; what is not encoded is repaired by charset_to_utf8(). Returns `value`
 * itself where nothing had to be done. */
struct slice encoded_words_decode(struct arena *arena, struct slice value);

#endif
