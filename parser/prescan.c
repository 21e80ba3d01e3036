/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/prescan.h"

#include <string.h>

#include "core/limits.h"
#include "parser/message.h"
#include "parser/pack.h"

enum header_class { HEADER_OTHER, HEADER_ADDRESS, HEADER_CONTENT_TYPE, HEADER_RECEIVED };

/* The first line of a header. */
struct opening {
	struct slice name; /* empty: the line is no header */
	struct slice value;
	enum header_class class_;
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

	struct pack pack; /* of the block */

	bool header_open; /* continuation lines belong to a header: */
	struct opening header;
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

/* A Content-Type that is too long is as good as none. */
static void header_pack(struct scan *scan, size_t end)
{
	const char *value = scan->header.value.ptr;

	if (scan->pack.open && end - scan->header_start <= LIMIT_BOUNDARY)
		pack_header(&scan->pack, scan->header.name,
			    slice_from(value, (size_t)(scan->raw.ptr + end - value)),
			    scan->header_start, end);
}

static const char *header_end(struct scan *scan, size_t offset)
{
	size_t len = offset - scan->header_start;

	if (!scan->header_open)
		return NULL;
	header_pack(scan, offset);
	scan->header_open = false;
	if (scan->header.class_ == HEADER_ADDRESS) {
		if (scan->colons > LIMIT_ADDRESS_COLONS)
			return "address header with too many groups";
		if (len > LIMIT_ADDRESS_HEADER)
			scan->result->address_header_long = true;
		return NULL; /* as long as its block may be: GMime does not see it */
	}
	if (scan->header.class_ == HEADER_CONTENT_TYPE && len > LIMIT_BOUNDARY) {
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
}

/* The message's own headers go out of GMime's way altogether. */
static void block_pack(struct scan *scan, size_t end)
{
	if (scan->main_block && scan->pack.open) {
		scan->result->start = pack_move(&scan->pack, end);
		scan->result->plain = scan->result->start == end;
	}
	pack_close(&scan->pack, end);
}

/* After the empty line that ends a block the embedded message's own headers may follow. */
static const char *block_end(struct scan *scan, size_t line_offset, size_t next_offset)
{
	const char *why = header_end(scan, line_offset);
	if (why)
		return why;
	scan->in_block = false;
	block_pack(scan, line_offset);
	if (!scan->block_embeds) {
		scan->embedded_depth = 0;
		return NULL;
	}
	if (++scan->embedded_depth > LIMIT_EMBEDDED_DEPTH)
		return "messages embedded too deep";
	block_begin(scan, next_offset);
	return NULL;
}

static const char *header_begin(struct scan *scan, size_t offset, const struct opening *header)
{
	const char *why = header_end(scan, offset);
	if (why)
		return why;
	scan->header_open = true;
	scan->header_start = offset;
	scan->header = *header;
	scan->colons = 0;
	if (++scan->block_headers > LIMIT_HEADERS)
		return "too many headers";
	if (header->class_ == HEADER_RECEIVED && scan->main_block &&
	    ++scan->received > LIMIT_RECEIVED)
		return "too many hops";
	return NULL;
}

/* A line among headers. */
static const char *scan_block_line(struct scan *scan, struct slice line, size_t offset,
				   const struct opening *header)
{
	const char *why = NULL;

	if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
		if (!scan->header_open)
			pack_close(&scan->pack, offset);
	} else if (header->name.len > 0) {
		why = header_begin(scan, offset, header);
	} else if (scan->main_block) {
		/* Whoever reads it decides whether the header goes on behind it. */
		if (scan->header_open)
			header_pack(scan, offset);
		pack_close(&scan->pack, offset);
	} else {
		/* Text behind a line of hyphens. */
		scan->in_block = false;
		scan->embedded_depth = 0;
		why = header_end(scan, offset);
		pack_close(&scan->pack, offset);
		return why;
	}
	if (scan->header_open && scan->header.class_ == HEADER_ADDRESS)
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
		pack_close(&scan->pack, offset);
		scan->embedded_depth = 0;
		block_begin(scan, next_offset);
		pack_begin(&scan->pack, next_offset);
		return why;
	}

	struct opening header = { .name = SLICE_NONE, .value = SLICE_NONE };
	bool embeds = false;
	if (name_may_matter(line.ptr[0])) {
		header.name = header_split(line, &header.value);
		header.class_ = name_class(header.name);
	} else if (scan->in_block) {
		header.name = header_split(line, &header.value);
	}
	if (header.class_ == HEADER_ADDRESS)
		rename_in_copy(scan, offset, header.name.len);
	if (header.class_ == HEADER_CONTENT_TYPE) {
		size_t behind = (size_t)(header.value.ptr - scan->raw.ptr);
		size_t type;
		embeds = value_embeds(slice_skip(scan->raw, behind), &type);
		if (embeds)
			rename_in_copy(scan, behind + type, 1);
	}
	scan->block_embeds |= scan->in_block && embeds;
	return scan->in_block ? scan_block_line(scan, line, offset, &header) : NULL;
}

static const char *scan_all(struct scan *scan, bool own)
{
	size_t offset = 0;

	block_begin(scan, 0);
	pack_begin(&scan->pack, 0);
	scan->main_block = own;
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
	const char *why = header_end(scan, offset);
	pack_close(&scan->pack, offset);
	return why;
}

void prescan_message(struct slice raw, struct arena *arena, struct prescan *ret_prescan)
{
	*ret_prescan = (struct prescan){ 0 };
	ret_prescan->copy = arena_cstr(arena, raw);
	struct scan scan = {
		.raw = raw,
		.copy = ret_prescan->copy,
		.result = ret_prescan,
		.pack = { .copy = ret_prescan->copy },
	};
	ret_prescan->quarantine = scan_all(&scan, true);
}

const char *prescan_embedded(struct slice decoded)
{
	struct prescan ignored = { 0 };
	struct scan scan = { .raw = decoded, .result = &ignored };
	return scan_all(&scan, false);
}
