/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pre-scan: from where GMime begins, the copy has its empty lines and boundaries where the
 * message has them; nothing in it that begins a line reads as an address header; a message cut
 * short is never worse than the whole.
 */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "parser/prescan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_address_header(struct slice line)
{
	static const struct slice NAMES[] = {
		SLICE_LITERAL("to"),     SLICE_LITERAL("from"), SLICE_LITERAL("cc"),
		SLICE_LITERAL("sender"), SLICE_LITERAL("bcc"),  SLICE_LITERAL("reply-to"),
	};
	ptrdiff_t colon = slice_find_byte(line, ':');

	if (colon < 0)
		return false;
	struct slice name = slice_trim_right(slice_head(line, (size_t)colon));
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		if (slice_equal_nocase(name, NAMES[i]))
			return true;
	}
	return false;
}

/* The line that begins at `at` is empty, or of hyphens: '\n' or '-'; else 0. */
static char line_kind(struct slice text, size_t at)
{
	struct slice rest = slice_skip(text, at), line;

	if ((at > 0 && text.ptr[at - 1] != '\n') || !slice_next_line(&rest, &line))
		return 0;
	if (slice_empty(line))
		return '\n';
	return slice_starts_with(line, SLICE("--")) ? '-' : 0;
}

static void check_copy(struct slice raw, const struct prescan *prescan)
{
	struct slice copy = slice_from(prescan->copy, raw.len), line;

	for (size_t i = prescan->start + 1; i < raw.len; i++) {
		if (line_kind(raw, i) != line_kind(copy, i))
			abort();
	}
	copy = slice_skip(copy, prescan->start);
	while (slice_next_line(&copy, &line)) {
		if (is_address_header(line))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct slice raw = slice_from((const char *)data, size);
	struct prescan whole;
	struct prescan half;

	prescan_message(raw, arena, &whole);
	if (!whole.quarantine)
		check_copy(raw, &whole);
	prescan_message(slice_head(raw, size / 2), arena, &half);
	if (half.quarantine && !whole.quarantine)
		abort();
	prescan_embedded(raw);
	arena_free(arena);
	return 0;
}
