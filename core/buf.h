/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer with a maximum fixed at init. Appending past the maximum sets `full` and
 * changes nothing else, and stays so until buf_reset(): check once at the end.
 */
#ifndef BOUNCED_CORE_BUF_H
#define BOUNCED_CORE_BUF_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/slice.h"

struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
	bool full;
};

void buf_init(struct buf *buf, size_t max);
void buf_done(struct buf *buf);
/* Empties it, keeps the memory. */
void buf_reset(struct buf *buf);
/* Removes the first `count` bytes. */
void buf_consume(struct buf *buf, size_t count);

void buf_append(struct buf *buf, struct slice s);
void buf_append_cstr(struct buf *buf, const char *text);
void buf_append_byte(struct buf *buf, char byte);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/* Room for `count` more bytes at data + len (the caller raises len), or NULL when over the maximum.
 */
char *buf_reserve(struct buf *buf, size_t count);

struct slice buf_slice(const struct buf *buf);

#endif
