/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets of legacy patterns at rest: sealed with the master key, each for its place. */
#ifndef BOUNCED_STORE_PATTERN_SECRET_H
#define BOUNCED_STORE_PATTERN_SECRET_H

#include <stdint.h>

#include "core/arena.h"
#include "core/directory.h"
#include "core/err.h"
#include "core/hash.h"
#include "core/slice.h"

/* The pattern's secret as a box in the arena, bound to its domain and number. */
struct slice pattern_secret_seal(const uint8_t master_key[SECRETBOX_KEY_LEN],
				 const struct directory_pattern *pattern, struct arena *arena);
/* Fills the pattern's secret. ERR_REFUSE: sealed with another master key or for another place. */
enum err pattern_secret_open(const uint8_t master_key[SECRETBOX_KEY_LEN], struct slice box,
			     struct directory_pattern *pattern) MUST_CHECK;

/* "sha256", "sha1", or empty for an unsigned one */
const char *pattern_algorithm_word(enum pattern_algorithm algorithm);
/* false for an unknown word */
bool pattern_algorithm_from_word(struct slice word, enum pattern_algorithm *ret_algorithm);

#endif
