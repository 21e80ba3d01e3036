/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors: a text that is taken is the one that its position gives, so that there is one spelling
 * only; and every position comes back from its own text.
 */
#include <stdlib.h>
#include <string.h>

#include "api/cursor.h"
#include "core/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t KEY[CURSOR_KEY_LEN] = { 1 };
static const struct cursor_scope SCOPE = { 1, 2 };

static void check_text(struct slice text, struct arena *arena)
{
	struct cursor_position position;

	if (cursor_parse(text, &SCOPE, KEY, &position) &&
	    !slice_equal(cursor_format(&position, &SCOPE, KEY, arena), text))
		abort();
}

static void check_position(const uint8_t *data, size_t size, struct arena *arena)
{
	uint8_t bytes[24] = { 0 };
	struct cursor_position position, back;

	memcpy(bytes, data, size < sizeof(bytes) ? size : sizeof(bytes));
	memcpy(&position.time, bytes, 8);
	memcpy(position.id.bytes, bytes + 8, 16);
	struct slice text = cursor_format(&position, &SCOPE, KEY, arena);
	if (!cursor_parse(text, &SCOPE, KEY, &back) || back.time != position.time ||
	    memcmp(back.id.bytes, position.id.bytes, 16) != 0)
		abort();
	if (cursor_parse(slice_head(text, text.len - 1), &SCOPE, KEY, &back))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);

	check_text(slice_from((const char *)data, size), arena);
	if (size > 0)
		check_position(data, size, arena);
	arena_free(arena);
	return 0;
}
