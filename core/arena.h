/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena owns everything that lives as long as one message or one request: allocate from it and
 * never free; arena_free() releases all at once. Memory is aligned for any type and zeroed.
 *
 * Allocation never returns NULL: what an outsider controls is capped before it is allocated, and a
 * machine without memory aborts.
 */
#ifndef BOUNCED_CORE_ARENA_H
#define BOUNCED_CORE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "core/err.h"
#include "core/slice.h"

struct arena;

/* first_block: bytes of the first block, a hint; 0 for the default of 8 KB. Caller frees. */
struct arena *arena_new(size_t first_block);
void arena_free(struct arena *arena);
/* Forgets all allocations, keeps the largest block for the next round. */
void arena_reset(struct arena *arena);
/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *arena);

void *arena_alloc(struct arena *arena, size_t size);
/* Not zeroed: for text that the caller is about to write. */
void *arena_bytes(struct arena *arena, size_t size);
/* count * size, aborting on overflow. */
void *arena_array(struct arena *arena, size_t count, size_t size);

#define ARENA_NEW(arena, type)          ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_array((arena), (count), sizeof(type)))

/* Copies, with a NUL behind the copy that is not counted in its length. */
struct slice arena_copy(struct arena *arena, struct slice s);
struct slice arena_lower(struct arena *arena, struct slice s);
char *arena_cstr(struct arena *arena, struct slice s);
struct slice arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
struct slice arena_vprintf(struct arena *arena, const char *format, va_list args);

#endif
