/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which runs of three bytes a text has, so that a word which is not in it is known not to be
 * without looking: dialects ask for hundreds of phrases, and hardly any is there. ASCII case is
 * ignored.
 */
#ifndef BOUNCED_PARSER_TRIGRAMS_H
#define BOUNCED_PARSER_TRIGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/slice.h"

/* A bit for each three bytes, of which five bits count. */
struct trigrams {
	uint64_t bits[(1 << 15) / 64];
};

/* Zeroed before. */
void trigrams_add(struct trigrams *trigrams, struct slice text);
/* false: no text that was added has the word. true: one may. */
bool trigrams_may_have(const struct trigrams *trigrams, const char *word);

#endif
