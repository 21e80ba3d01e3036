/* SPDX-License-Identifier: Apache-2.0 */
#include "core/inbound.h"

/* An envelope with one recipient fits. */
#define ENVELOPE_ARENA 2048

struct inbound *inbound_new(size_t raw_max)
{
	struct arena *arena = arena_new(ENVELOPE_ARENA);
	struct inbound *inbound = ARENA_NEW(arena, struct inbound);

	inbound->arena = arena;
	buf_init(&inbound->raw, raw_max);
	return inbound;
}

void inbound_free(struct inbound *inbound)
{
	if (inbound == NULL)
		return;
	buf_done(&inbound->raw);
	arena_free(inbound->arena);
}
