/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV fields: one quoted field of valid UTF-8 comes out, and reading it gives the repaired text
 * back, with at most one apostrophe before it.
 */
#include <stdlib.h>

#include "api/csv.h"
#include "core/arena.h"
#include "core/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Undoes RFC 4180 quoting; aborts where it is broken. */
static struct slice unquote(struct slice field, struct arena *arena)
{
	char *out = arena_alloc(arena, field.len);
	size_t len = 0;

	if (field.len < 2 || field.ptr[0] != '"' || field.ptr[field.len - 1] != '"')
		abort();
	for (size_t i = 1; i < field.len - 1; i++) {
		if (field.ptr[i] == '"' && (++i == field.len - 1 || field.ptr[i] != '"'))
			abort();
		out[len++] = field.ptr[i];
	}
	return slice_from(out, len);
}

static struct slice round_trip(struct slice text, bool safe, struct arena *arena)
{
	struct slice back;
	struct buf out;

	buf_init(&out, 8 * text.len + 16);
	csv_field(&out, text, safe);
	if (out.full || !utf8_valid(buf_slice(&out)))
		abort();
	back = unquote(buf_slice(&out), arena);
	buf_done(&out);
	return back;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_from((const char *)data, size);
	struct arena *arena = arena_new(0);
	struct slice repaired = utf8_repair(arena, text);
	struct slice safe = round_trip(text, true, arena);

	if (!slice_equal(round_trip(text, false, arena), repaired))
		abort();
	if (!slice_equal(safe, repaired) &&
	    !(slice_starts_with(safe, SLICE("'")) && slice_equal(slice_skip(safe, 1), repaired)))
		abort();
	/* What begins like a formula never begins like one any more. */
	if (!slice_empty(safe) && slice_find_byte(SLICE("=+-@\t\r"), safe.ptr[0]) >= 0)
		abort();
	arena_free(arena);
	return 0;
}
