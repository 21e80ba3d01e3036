/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The prefilter: which of several hundred patterns can match a text at all. Each pattern has
 * literal pieces of which one must be in any text that it matches; one pass over the text looks up
 * every three bytes of it in a hash table of the pieces.
 */
#ifndef BOUNCED_PARSER_RULES_FILTER_H
#define BOUNCED_PARSER_RULES_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/slice.h"

/* Shorter pieces are in every other text and would filter nothing. */
#define RULES_LITERAL_MIN 3

struct literals {
	struct slice *items; /* none: the pattern can match a text without any of its literals */
	size_t count;
};

/*
 * The literal pieces of a pattern in the dialect that rules_pattern_check() admits: one of each
 * top-level alternative, the one that is least likely to be in a text by chance. In the arena.
 */
struct literals literals_of_pattern(struct slice pattern, struct arena *arena);

/*
 * NULL, or why a pattern is not of the dialect: no upper-case letters (the text has none), no
 * inline options or verbs, no backslash sequences but \b \B \d \D \s \S \w \W and escaped
 * punctuation.
 */
const char *rules_pattern_check(struct slice pattern);

struct filter;

/* of[i]: the literals of pattern i, borrowed. All in the arena. */
struct filter *filter_new(struct arena *arena, const struct literals *of, size_t count);

/* Words of 64 bits that a bitmap of the patterns needs. */
size_t filter_words(const struct filter *filter);
/* Sets the bit of every pattern that may match; the others cannot. */
void filter_run(const struct filter *filter, struct slice text, uint64_t *ret_candidates);

#endif
