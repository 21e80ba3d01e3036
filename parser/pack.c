/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/pack.h"

#include <string.h>

void pack_begin(struct pack *pack, size_t offset)
{
	pack->open = pack->copy != NULL;
	pack->begin = offset;
	pack->end = offset;
	pack->encoded = false;
}

/* RFC 2045 6.2: the same as none. */
static bool is_identity(struct slice encoding)
{
	encoding = slice_trim(encoding);
	return slice_equal_nocase(encoding, SLICE("7bit")) ||
	       slice_equal_nocase(encoding, SLICE("8bit")) ||
	       slice_equal_nocase(encoding, SLICE("binary"));
}

static bool is_needed(struct pack *pack, struct slice name, struct slice value)
{
	if (slice_equal_nocase(name, SLICE("Content-Type")))
		return true;
	if (slice_equal_nocase(name, SLICE("Content-Transfer-Encoding"))) {
		pack->encoded |= !is_identity(value);
		return pack->encoded;
	}
	/* of a disposition readers see the file's name alone */
	return slice_equal_nocase(name, SLICE("Content-Disposition")) &&
	       slice_find_nocase(value, SLICE("filename")) >= 0;
}

void pack_header(struct pack *pack, struct slice name, struct slice value, size_t from, size_t to)
{
	/* the message's last line may lack its end: nothing could follow it */
	if (!pack->open || pack->copy[to - 1] != '\n' || !is_needed(pack, name, value))
		return;
	memmove(pack->copy + pack->end, pack->copy + from, to - from);
	pack->end += to - from;
}

void pack_close(struct pack *pack, size_t end)
{
	size_t from = pack->end;

	if (!pack->open)
		return;
	pack->open = false;
	/* where none is needed the first remains, without its value */
	if (from == pack->begin && from < end) {
		const char *colon = memchr(pack->copy + from, ':', end - from);
		from = colon ? (size_t)(colon - pack->copy) + 1 : end;
	}
	while (end > from && (pack->copy[end - 1] == '\n' || pack->copy[end - 1] == '\r'))
		end--;
	memset(pack->copy + from, ' ', end - from);
}

size_t pack_move(struct pack *pack, size_t end)
{
	size_t len = pack->end - pack->begin;

	memmove(pack->copy + end - len, pack->copy + pack->begin, len);
	pack->open = false;
	return end - len;
}
