/* SPDX-License-Identifier: Apache-2.0 */
#include "core/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAP_FIRST 256

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){ .max = max };
}

void buf_done(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->full = false;
}

void buf_consume(struct buf *buf, size_t count)
{
	assert(count <= buf->len);
	buf->len -= count;
	if (buf->len > 0)
		memmove(buf->data, buf->data + count, buf->len);
}

char *buf_reserve(struct buf *buf, size_t count)
{
	if (buf->full || count > buf->max - buf->len) {
		buf->full = true;
		return NULL;
	}
	if (buf->cap - buf->len < count) {
		size_t cap = buf->cap == 0 ? CAP_FIRST : buf->cap;

		while (cap - buf->len < count)
			cap *= 2;
		if (cap > buf->max)
			cap = buf->max;
		char *data = realloc(buf->data, cap == 0 ? 1 : cap);

		if (data == NULL)
			abort();
		buf->data = data;
		buf->cap = cap;
	}
	return buf->data + buf->len;
}

void buf_append(struct buf *buf, struct slice s)
{
	char *room = s.len == 0 ? NULL : buf_reserve(buf, s.len);

	if (room == NULL)
		return;
	memcpy(room, s.ptr, s.len);
	buf->len += s.len;
}

void buf_append_cstr(struct buf *buf, const char *text)
{
	buf_append(buf, slice_from_cstr(text));
}

void buf_append_byte(struct buf *buf, char byte)
{
	char *room = buf_reserve(buf, 1);

	if (room == NULL)
		return;
	*room = byte;
	buf->len++;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	char text[512];
	va_list args;
	va_list again;

	va_start(args, format);
	va_copy(again, args);
	int len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert(len >= 0);
	if ((size_t)len < sizeof(text)) {
		buf_append(buf, slice_from(text, (size_t)len));
	} else {
		char *longer = malloc((size_t)len + 1);

		if (longer == NULL)
			abort();
		vsnprintf(longer, (size_t)len + 1, format, again);
		buf_append(buf, slice_from(longer, (size_t)len));
		free(longer);
	}
	va_end(again);
}

struct slice buf_slice(const struct buf *buf)
{
	return slice_from(buf->data == NULL ? "" : buf->data, buf->len);
}
