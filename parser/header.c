/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/limits.h"
#include "parser/encoded_word.h"
#include "parser/message.h"

const struct header *header_find(const struct header_block *block, const char *name, size_t nth)
{
	struct slice wanted = slice_from_cstr(name);

	for (size_t i = 0; i < block->count; i++) {
		if (slice_equal_nocase(block->headers[i].name, wanted) && nth-- == 0)
			return &block->headers[i];
	}
	return NULL;
}

struct slice header_value(const struct header_block *block, const char *name)
{
	const struct header *header = header_find(block, name, 0);
	return header ? header->value : SLICE_NONE;
}

struct slice header_split(struct slice line, struct slice *ret_value)
{
	size_t end = 0;

	while (end < line.len && line.ptr[end] > ' ' && line.ptr[end] < 127 && line.ptr[end] != ':')
		end++;
	struct slice name = slice_head(line, end);
	while (end < line.len && ascii_is_space(line.ptr[end]))
		end++;
	if (end == line.len || line.ptr[end] != ':')
		return SLICE_NONE;
	*ret_value = slice_skip(line, end + 1);
	return name;
}

/* RFC 5322 2.2.3. The line end and the white space behind it become one space. */
static struct slice unfold(struct arena *arena, struct slice raw)
{
	struct slice value = slice_trim(raw);

	if (slice_find_byte(value, '\n') < 0)
		return value;
	char *out = arena_bytes(arena, value.len);
	size_t len = 0;
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] != '\n') {
			out[len++] = value.ptr[i];
			continue;
		}
		while (len > 0 && ascii_is_space(out[len - 1]))
			len--;
		out[len++] = ' ';
		while (ascii_is_space(value.ptr[i + 1])) /* trimmed: something follows */
			i++;
	}
	return slice_from(out, len);
}

static struct header *block_add(struct arena *arena, struct header_block *block, size_t *cap)
{
	if (block->count == *cap) {
		size_t grown_cap = *cap ? *cap * 2 : 32;
		struct header *grown = ARENA_ARRAY(arena, struct header, grown_cap);
		if (block->count > 0)
			memcpy(grown, block->headers, block->count * sizeof(*grown));
		block->headers = grown;
		*cap = grown_cap;
	}
	return &block->headers[block->count++];
}

void header_block_read(struct slice text, struct arena *arena, struct header_block *ret_block)
{
	struct header_block block = { 0 };
	struct header *open = NULL; /* the header that folded lines belong to */
	size_t cap = 0;
	struct slice rest = slice_head(text, LIMIT_HEADER_BLOCK);
	struct slice line;
	struct slice value = SLICE_NONE;

	while (block.count < LIMIT_HEADERS && slice_next_line(&rest, &line)) {
		if (line.len == 0) {
			if (block.count > 0)
				break;
			continue;
		}
		if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
			if (open)
				open->raw.len = (size_t)(line.ptr + line.len - open->raw.ptr);
			continue;
		}
		struct slice name = header_split(line, &value);
		open = name.len > 0 ? block_add(arena, &block, &cap) : NULL;
		if (open)
			*open = (struct header){ .name = name, .raw = value };
	}
	for (size_t i = 0; i < block.count; i++) {
		struct header *header = &block.headers[i];
		struct slice raw = slice_head(header->raw, LIMIT_HEADER);
		header->value = encoded_words_decode(arena, unfold(arena, raw));
	}
	*ret_block = block;
}
