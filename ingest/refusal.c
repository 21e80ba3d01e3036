/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/refusal.h"

#include <stddef.h>

static const char *const words[REFUSAL_COUNT] = {
#define X(name, word) word,
	REFUSALS(X)
#undef X
};

const char *refusal_word(enum refusal refusal)
{
	return words[refusal];
}

void refusal_add(struct refusal_counters *counters, enum refusal refusal)
{
	if (counters != NULL)
		atomic_fetch_add_explicit(&counters->count[refusal], 1, memory_order_relaxed);
}

uint64_t refusal_read(const struct refusal_counters *counters, enum refusal refusal)
{
	return atomic_load_explicit(&counters->count[refusal], memory_order_relaxed);
}
