/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pattern_secret.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "core/limits.h"

#define CONTEXT_MAX (LIMIT_DOMAIN + 32)

static const char *const ALGORITHM_WORDS[] = {
	[PATTERN_UNSIGNED] = "",
	[PATTERN_HMAC_SHA256] = "sha256",
	[PATTERN_HMAC_SHA1] = "sha1",
};
#define ALGORITHM_COUNT (sizeof(ALGORITHM_WORDS) / sizeof(ALGORITHM_WORDS[0]))

static struct slice seal_context(const struct directory_pattern *pattern,
				 char ret_text[CONTEXT_MAX])
{
	int len = snprintf(ret_text, CONTEXT_MAX, "legacy_pattern/%.*s/%u",
			   SLICE_ARG(slice_head(pattern->domain, LIMIT_DOMAIN)), pattern->number);

	return slice_from(ret_text, (size_t)len);
}

struct slice pattern_secret_seal(const uint8_t master_key[SECRETBOX_KEY_LEN],
				 const struct directory_pattern *pattern, struct arena *arena)
{
	char context[CONTEXT_MAX];
	struct buf box;

	buf_init(&box, PATTERN_SECRET_MAX + SECRETBOX_OVERHEAD);
	secretbox_seal(master_key, seal_context(pattern, context),
		       slice_from((const char *)pattern->secret, pattern->secret_len), &box);
	struct slice copy = arena_copy(arena, buf_slice(&box));
	buf_done(&box);
	return copy;
}

enum err pattern_secret_open(const uint8_t master_key[SECRETBOX_KEY_LEN], struct slice box,
			     struct directory_pattern *pattern)
{
	char context[CONTEXT_MAX];
	struct buf secret;

	if (box.len <= SECRETBOX_OVERHEAD || box.len > PATTERN_SECRET_MAX + SECRETBOX_OVERHEAD)
		return ERR_REFUSE;
	buf_init(&secret, PATTERN_SECRET_MAX);
	enum err err = secretbox_open(master_key, seal_context(pattern, context), box, &secret);
	if (err == OK) {
		memcpy(pattern->secret, secret.data, secret.len);
		pattern->secret_len = (uint8_t)secret.len;
		explicit_bzero(secret.data, secret.len);
	}
	buf_done(&secret);
	return err;
}

const char *pattern_algorithm_word(enum pattern_algorithm algorithm)
{
	assert((size_t)algorithm < ALGORITHM_COUNT);
	return ALGORITHM_WORDS[algorithm];
}

bool pattern_algorithm_from_word(struct slice word, enum pattern_algorithm *ret_algorithm)
{
	for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
		if (slice_equal(word, slice_from_cstr(ALGORITHM_WORDS[i]))) {
			*ret_algorithm = (enum pattern_algorithm)i;
			return true;
		}
	}
	return false;
}
