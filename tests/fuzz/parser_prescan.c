/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pre-scan: behind its own headers the copy has the message's lines; where GMime reads, nothing
 * that begins a line is an address header; a message cut short is never worse than the whole.
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

/* Where the message's own headers end: up to there lines may have changed places. */
static size_t own_headers(struct slice raw)
{
	struct slice rest = raw;
	struct slice line;

	while (slice_next_line(&rest, &line)) {
		if (line.len == 0)
			break;
	}
	return raw.len - rest.len;
}

static void check_copy(struct slice raw, const struct prescan *scan)
{
	struct slice copy = slice_skip(slice_from(scan->copy, raw.len), scan->start);
	struct slice line;

	for (size_t i = scan->start == 0 ? 0 : own_headers(raw); i < raw.len; i++) {
		if ((raw.ptr[i] == '\n') != (scan->copy[i] == '\n'))
			abort();
	}
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
