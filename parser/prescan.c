/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/prescan.h"

#include <string.h>

#include "core/limits.h"
#include "parser/message.h"

enum header_class { HEADER_OTHER, HEADER_ADDRESS, HEADER_CONTENT_TYPE, HEADER_RECEIVED };

/* More headers about structure than this in one block are not moved. */
#define KEPT_HEADERS 8

struct span {
	size_t from, to;
};

struct scan {
	struct slice raw;
	char *copy; /* NULL: only the caps are wanted */
	struct prescan *result;

	bool in_block; /* among headers: the message's, a part's or an embedded message's */
	bool main_block;
	bool block_embeds; /* this block's Content-Type is message/… */
	size_t block_start;
	unsigned block_headers;
	unsigned embedded_depth; /* message/… directly in message/… */

	bool foldable; /* GMime need not see the header above */

	/* Of the message's own block, all of whose lines are headers: those that GMime needs. */
	bool movable;
	struct span kept[KEPT_HEADERS];
	size_t kept_count;

	bool header_open; /* continuation lines belong to a header: */
	bool header_needed;
	enum header_class class_;
	size_t header_start;
	unsigned colons;

	unsigned boundary_lines;
	unsigned received;
};

/* Letters, in either case, that the names of interest begin with: B C F R S T. */
static bool name_may_matter(char first)
{
	switch (ascii_lower(first)) {
	case 'b':
	case 'c':
	case 'f':
	case 'r':
	case 's':
	case 't':
		return true;
	default:
		return false;
	}
}

static enum header_class name_class(struct slice name)
{
	static const struct slice ADDRESSES[] = {
		SLICE_LITERAL("from"), SLICE_LITERAL("to"),     SLICE_LITERAL("cc"),
		SLICE_LITERAL("bcc"),  SLICE_LITERAL("sender"), SLICE_LITERAL("reply-to"),
	};

	if (slice_empty(name))
		return HEADER_OTHER;
	if (slice_equal_nocase(name, SLICE("content-type")))
		return HEADER_CONTENT_TYPE;
	if (slice_equal_nocase(name, SLICE("received")))
		return HEADER_RECEIVED;
	if (slice_starts_with_nocase(name, SLICE("resent-")))
		name = slice_skip(name, 7);
	for (size_t i = 0; i < sizeof(ADDRESSES) / sizeof(ADDRESSES[0]); i++) {
		if (slice_equal_nocase(name, ADDRESSES[i]))
			return HEADER_ADDRESS;
	}
	return HEADER_OTHER;
}

static unsigned count_colons(struct slice line)
{
	unsigned count = 0;

	for (ptrdiff_t at; (at = slice_find_byte(line, ':')) >= 0;) {
		line = slice_skip(line, (size_t)at + 1);
		count++;
	}
	return count;
}

static void rename_in_copy(struct scan *scan, size_t offset, size_t len)
{
	if (scan->copy)
		memset(scan->copy + offset, 'x', len);
}

/* value: all behind the colon up to the message's end, since the type may stand on the next line.
 */
static bool value_embeds(struct slice value, size_t *ret_offset)
{
	size_t offset = 0;

	while (offset < value.len && ascii_is_space(value.ptr[offset]))
		offset++;
	*ret_offset = offset;
	return slice_starts_with_nocase(slice_skip(value, offset), SLICE("message/"));
}

static void keep_header(struct scan *scan, size_t end)
{
	if (scan->kept_count == KEPT_HEADERS)
		scan->movable = false;
	else
		scan->kept[scan->kept_count++] = (struct span){ scan->header_start, end };
}

static const char *header_end(struct scan *scan, size_t offset)
{
	size_t len = offset - scan->header_start;

	if (!scan->header_open)
		return NULL;
	scan->header_open = false;
	if (scan->main_block && scan->header_needed)
		keep_header(scan, offset);
	if (scan->class_ == HEADER_ADDRESS) {
		if (scan->colons > LIMIT_ADDRESS_COLONS)
			return "address header with too many groups";
		if (len > LIMIT_ADDRESS_HEADER)
			scan->result->address_header_long = true;
		return NULL; /* as long as its block may be: GMime does not see it */
	}
	if (scan->class_ == HEADER_CONTENT_TYPE && len > LIMIT_BOUNDARY) {
		rename_in_copy(scan, scan->header_start, strlen("content-type"));
		scan->result->content_type_long = true;
	}
	if (len > LIMIT_HEADER)
		scan->result->header_long = true;
	return NULL;
}

static void block_begin(struct scan *scan, size_t offset)
{
	scan->in_block = true;
	scan->main_block = false;
	scan->block_embeds = false;
	scan->block_start = offset;
	scan->block_headers = 0;
	scan->foldable = false;
}

/* Behind all that GMime need not see: it then begins with the first of those it needs. */
static void move_kept(struct scan *scan, size_t end)
{
	for (size_t i = scan->kept_count; i > 0; i--) {
		const struct span *span = &scan->kept[i - 1];
		end -= span->to - span->from;
		memmove(scan->copy + end, scan->copy + span->from, span->to - span->from);
	}
	scan->result->start = end;
}

/* After the empty line that ends a block the embedded message's own headers may follow. */
static const char *block_end(struct scan *scan, size_t line_offset, size_t next_offset)
{
	const char *why = header_end(scan, line_offset);
	if (why)
		return why;
	scan->in_block = false;
	if (scan->main_block && scan->movable && scan->copy)
		move_kept(scan, line_offset);
	if (!scan->block_embeds) {
		scan->embedded_depth = 0;
		return NULL;
	}
	if (++scan->embedded_depth > LIMIT_EMBEDDED_DEPTH)
		return "messages embedded too deep";
	block_begin(scan, next_offset);
	return NULL;
}

/* Whether it says how to take the message apart. */
static bool is_needed(struct slice name, enum header_class class_)
{
	return class_ == HEADER_CONTENT_TYPE ||
	       slice_equal_nocase(name, SLICE("content-transfer-encoding")) ||
	       slice_equal_nocase(name, SLICE("content-disposition"));
}

/*
 * GMime makes objects of every header, which costs more than all the rest. So that it makes few,
 * each that it does not need becomes a folded line of the one above, if that is such a header, too.
 */
static void fold_in_copy(struct scan *scan, size_t offset, bool needed)
{
	if (!needed && scan->foldable && scan->copy)
		scan->copy[offset] = ' ';
	scan->foldable = !needed;
}

static const char *header_begin(struct scan *scan, size_t offset, struct slice name,
				enum header_class class_)
{
	const char *why = header_end(scan, offset);
	if (why)
		return why;
	scan->header_needed = is_needed(name, class_);
	fold_in_copy(scan, offset, scan->header_needed);
	scan->header_open = true;
	scan->header_start = offset;
	scan->class_ = class_;
	scan->colons = 0;
	if (++scan->block_headers > LIMIT_HEADERS)
		return "too many headers";
	if (class_ == HEADER_RECEIVED && scan->main_block && ++scan->received > LIMIT_RECEIVED)
		return "too many hops";
	return NULL;
}

/* A line among headers. */
static const char *scan_block_line(struct scan *scan, struct slice line, size_t offset,
				   struct slice name, enum header_class class_, bool embeds)
{
	const char *why = NULL;

	if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
		scan->movable &= scan->header_open;
	} else if (name.len > 0) {
		why = header_begin(scan, offset, name, class_);
		scan->block_embeds |= embeds;
	} else if (scan->main_block) {
		scan->movable = false;
	} else {
		/* Text behind a line of hyphens. */
		scan->in_block = false;
		scan->embedded_depth = 0;
		return header_end(scan, offset);
	}
	if (scan->header_open && scan->class_ == HEADER_ADDRESS)
		scan->colons += count_colons(line);
	if (!why && offset + line.len - scan->block_start > LIMIT_HEADER_BLOCK)
		why = "header block too long";
	return why;
}

static const char *scan_line(struct scan *scan, struct slice line, size_t offset,
			     size_t next_offset)
{
	if (line.len == 0)
		return scan->in_block ? block_end(scan, offset, next_offset) : NULL;
	if (line.len >= 2 && line.ptr[0] == '-' && line.ptr[1] == '-') {
		if (++scan->boundary_lines > LIMIT_BOUNDARY_LINES)
			return "too many boundaries";
		const char *why = header_end(scan, offset);
		scan->embedded_depth = 0;
		block_begin(scan, next_offset);
		return why;
	}

	struct slice name = SLICE_NONE;
	struct slice value = SLICE_NONE;
	enum header_class class_ = HEADER_OTHER;
	bool embeds = false;
	if (name_may_matter(line.ptr[0])) {
		name = header_split(line, &value);
		class_ = name_class(name);
	} else if (scan->in_block) {
		name = header_split(line, &value);
	}
	if (class_ == HEADER_ADDRESS)
		rename_in_copy(scan, offset, name.len);
	if (class_ == HEADER_CONTENT_TYPE) {
		size_t behind = (size_t)(value.ptr - scan->raw.ptr);
		size_t type;
		embeds = value_embeds(slice_skip(scan->raw, behind), &type);
		if (embeds)
			rename_in_copy(scan, behind + type, 1);
	}
	return scan->in_block ? scan_block_line(scan, line, offset, name, class_, embeds) : NULL;
}

static const char *scan_all(struct scan *scan, bool own)
{
	size_t offset = 0;

	block_begin(scan, 0);
	scan->main_block = own;
	scan->movable = own;
	while (offset < scan->raw.len) {
		const char *start = scan->raw.ptr + offset;
		const char *newline = memchr(start, '\n', scan->raw.len - offset);
		size_t next = newline ? (size_t)(newline - scan->raw.ptr) + 1 : scan->raw.len;
		size_t end = newline ? next - 1 : next;
		if (end > offset && scan->raw.ptr[end - 1] == '\r')
			end--;
		const char *why = scan_line(scan, slice_from(start, end - offset), offset, next);
		if (why)
			return why;
		offset = next;
	}
	return header_end(scan, offset);
}

void prescan_message(struct slice raw, struct arena *arena, struct prescan *ret_prescan)
{
	*ret_prescan = (struct prescan){ 0 };
	ret_prescan->copy = arena_cstr(arena, raw);
	struct scan scan = { .raw = raw, .copy = ret_prescan->copy, .result = ret_prescan };
	ret_prescan->quarantine = scan_all(&scan, true);
}

const char *prescan_embedded(struct slice decoded)
{
	struct prescan ignored = { 0 };
	struct scan scan = { .raw = decoded, .result = &ignored };
	return scan_all(&scan, false);
}
