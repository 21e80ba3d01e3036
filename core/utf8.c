/* SPDX-License-Identifier: Apache-2.0 */
#include "core/utf8.h"

#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD"

/* Length of the valid character at the beginning of bytes[0..len), or 0. RFC 3629 section 4. */
static size_t char_len(const unsigned char *bytes, size_t len)
{
	unsigned char first = bytes[0];
	size_t need = first < 0x80   ? 1
		      : first < 0xC2 ? 0
		      : first < 0xE0 ? 2
		      : first < 0xF0 ? 3
		      : first < 0xF5 ? 4
				     : 0;

	if (need == 0 || need > len)
		return 0;
	if (need == 1)
		return 1;
	unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
	unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;

	if (bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++)
		if ((bytes[i] & 0xC0) != 0x80)
			return 0;
	return need;
}

/* Offset of the first byte that is not clean ASCII, eight at a time. NUL is not clean. */
static size_t ascii_run(struct slice text, size_t at)
{
	while (at + 8 <= text.len) {
		uint64_t word;

		memcpy(&word, text.ptr + at, 8);
		uint64_t has_zero = (word - 0x0101010101010101u) & ~word & 0x8080808080808080u;

		if ((word & 0x8080808080808080u) != 0 || has_zero != 0)
			break;
		at += 8;
	}
	while (at < text.len && text.ptr[at] > 0)
		at++;
	return at;
}

/* Offset of the first character that needs repair, or text.len. */
static size_t first_bad(struct slice text)
{
	size_t at = 0;

	for (;;) {
		at = ascii_run(text, at);
		if (at >= text.len)
			return text.len;
		size_t len = text.ptr[at] == '\0' ? 0
						  : char_len((const unsigned char *)text.ptr + at,
							     text.len - at);

		if (len == 0)
			return at;
		at += len;
	}
}

bool utf8_valid(struct slice text)
{
	return first_bad(text) == text.len;
}

struct slice utf8_repair(struct arena *arena, struct slice text)
{
	size_t at = first_bad(text);

	if (at == text.len)
		return text;
	char *out = arena_alloc(arena, text.len * 3 + 1);
	size_t len = 0;
	struct slice rest = text;

	while (rest.len > 0) {
		at = first_bad(rest);
		memcpy(out + len, rest.ptr, at);
		len += at;
		if (at < rest.len) {
			memcpy(out + len, REPLACEMENT, 3);
			len += 3;
			at++;
		}
		rest = slice_skip(rest, at);
	}
	return slice_from(out, len);
}

struct slice utf8_truncate(struct slice text, size_t max)
{
	if (text.len <= max)
		return text;
	size_t len = max;

	/* at most three bytes back to the beginning of the character that does not fit */
	for (unsigned back = 0; back < 4 && len > 0; back++, len--)
		if (((unsigned char)text.ptr[len] & 0xC0) != 0x80)
			return slice_head(text, len);
	return slice_head(text, max);
}

int32_t utf8_next(struct slice *rest)
{
	const unsigned char *bytes = (const unsigned char *)rest->ptr;
	size_t len = char_len(bytes, rest->len);
	int32_t code = -1;

	switch (len) {
	case 1:
		code = bytes[0];
		break;
	case 2:
		code = (bytes[0] & 0x1F) << 6 | (bytes[1] & 0x3F);
		break;
	case 3:
		code = (bytes[0] & 0x0F) << 12 | (bytes[1] & 0x3F) << 6 | (bytes[2] & 0x3F);
		break;
	case 4:
		code = (bytes[0] & 0x07) << 18 | (bytes[1] & 0x3F) << 12 | (bytes[2] & 0x3F) << 6 |
		       (bytes[3] & 0x3F);
		break;
	default:
		break;
	}
	*rest = slice_skip(*rest, len == 0 ? 1 : len);
	return code;
}

size_t utf8_encode(uint32_t code_point, char ret_bytes[4])
{
	unsigned char *out = (unsigned char *)ret_bytes;

	if (code_point < 0x80) {
		out[0] = (unsigned char)code_point;
		return 1;
	}
	if (code_point < 0x800) {
		out[0] = (unsigned char)(0xC0 | code_point >> 6);
		out[1] = (unsigned char)(0x80 | (code_point & 0x3F));
		return 2;
	}
	if (code_point < 0x10000) {
		out[0] = (unsigned char)(0xE0 | code_point >> 12);
		out[1] = (unsigned char)(0x80 | (code_point >> 6 & 0x3F));
		out[2] = (unsigned char)(0x80 | (code_point & 0x3F));
		return 3;
	}
	out[0] = (unsigned char)(0xF0 | (code_point >> 18 & 0x07));
	out[1] = (unsigned char)(0x80 | (code_point >> 12 & 0x3F));
	out[2] = (unsigned char)(0x80 | (code_point >> 6 & 0x3F));
	out[3] = (unsigned char)(0x80 | (code_point & 0x3F));
	return 4;
}
