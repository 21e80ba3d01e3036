/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/trigrams.h"

/* The last three bytes of what was read. Five bits are the same for both cases of a letter. */
static uint32_t shift_in(uint32_t window, char c)
{
	return (window << 5 | ((unsigned char)c & 31)) & 0x7fff;
}

void trigrams_add(struct trigrams *trigrams, struct slice text)
{
	uint32_t window = 0;

	for (size_t i = 0; i < text.len; i++) {
		window = shift_in(window, text.ptr[i]);
		trigrams->bits[window / 64] |= UINT64_C(1) << window % 64;
	}
}

bool trigrams_may_have(const struct trigrams *trigrams, const char *word)
{
	uint32_t window = 0;

	for (size_t i = 0; word[i] != '\0'; i++) {
		window = shift_in(window, word[i]);
		if (i >= 2 && !(trigrams->bits[window / 64] >> window % 64 & 1))
			return false;
	}
	return true;
}
