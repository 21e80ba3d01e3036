/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/trigrams.h"

/* Six bits a byte, the same for both cases of a letter; the last three bytes of what was read. */
static uint32_t shift_in(uint32_t window, char c)
{
	return (window << 6 | ((unsigned char)ascii_lower(c) & 63)) & 0x3ffff;
}

static unsigned hash(uint32_t window)
{
	return window * UINT32_C(2654435769) >> 18; /* 14 bits: TRIGRAM_BITS */
}

void trigrams_add(struct trigrams *trigrams, struct slice text)
{
	uint32_t window = 0;

	for (size_t i = 0; i < text.len; i++) {
		window = shift_in(window, text.ptr[i]);
		unsigned bit = hash(window);
		trigrams->bits[bit / 64] |= UINT64_C(1) << bit % 64;
	}
}

bool trigrams_may_have(const struct trigrams *trigrams, const char *word)
{
	uint32_t window = 0;

	for (size_t i = 0; word[i] != '\0'; i++) {
		window = shift_in(window, word[i]);
		unsigned bit = hash(window);
		if (i >= 2 && !(trigrams->bits[bit / 64] >> bit % 64 & 1))
			return false;
	}
	return true;
}
