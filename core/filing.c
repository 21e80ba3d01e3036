/* SPDX-License-Identifier: Apache-2.0 */
#include "core/filing.h"

#include <assert.h>

const char *origin_word(enum origin origin)
{
	static const char *const words[] = {
#define X(name, word) [ORIGIN_##name] = word,
		ORIGINS(X)
#undef X
	};

	assert((unsigned)origin < ORIGIN_COUNT);
	return words[origin];
}
