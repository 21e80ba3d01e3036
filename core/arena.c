/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks in a list, newest first; each new block is at least twice the last, so that a message
 * costs few allocations. Under AddressSanitizer the unused part of a block is poisoned, so that an
 * overrun of one allocation into the next is found.
 */
#include "core/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(ptr, len)   ASAN_POISON_MEMORY_REGION((ptr), (len))
#define UNPOISON(ptr, len) ASAN_UNPOISON_MEMORY_REGION((ptr), (len))
#else
#define POISON(ptr, len)   ((void)(ptr), (void)(len))
#define UNPOISON(ptr, len) ((void)(ptr), (void)(len))
#endif

#define ALIGNMENT        16
#define BLOCK_DEFAULT    8192
#define BLOCK_GROWTH_MAX (1024 * 1024)

struct block {
	struct block *older;
	size_t size;
	size_t used;
	_Alignas(ALIGNMENT) char data[];
};

struct arena {
	struct block *newest;
	size_t next_size;
	size_t used;
};

static void arena_grow(struct arena *arena, size_t need)
{
	size_t size = arena->next_size > need ? arena->next_size : need;
	struct block *block = malloc(sizeof(*block) + size);

	if (block == NULL)
		abort();
	block->older = arena->newest;
	block->size = size;
	block->used = 0;
	POISON(block->data, size);
	arena->newest = block;
	if (arena->next_size < BLOCK_GROWTH_MAX)
		arena->next_size *= 2;
}

static void blocks_free(struct block *block)
{
	while (block != NULL) {
		struct block *older = block->older;

		UNPOISON(block->data, block->size);
		free(block);
		block = older;
	}
}

struct arena *arena_new(size_t first_block)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena == NULL)
		abort();
	arena->next_size = first_block == 0 ? BLOCK_DEFAULT : first_block;
	return arena;
}

void arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	blocks_free(arena->newest);
	free(arena);
}

void arena_reset(struct arena *arena)
{
	struct block *keep = arena->newest;

	arena->used = 0;
	if (keep == NULL)
		return;
	blocks_free(keep->older);
	keep->older = NULL;
	keep->used = 0;
	POISON(keep->data, keep->size);
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}

void *arena_bytes(struct arena *arena, size_t size)
{
	assert(size <= SIZE_MAX / 2);
	size_t rounded = size == 0 ? ALIGNMENT : (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	struct block *block = arena->newest;

	if (block == NULL || block->size - block->used < rounded) {
		arena_grow(arena, rounded);
		block = arena->newest;
	}
	void *result = block->data + block->used;

	block->used += rounded;
	arena->used += rounded;
	UNPOISON(result, size);
	return result;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return memset(arena_bytes(arena, size), 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		abort();
	return arena_alloc(arena, bytes);
}

char *arena_cstr(struct arena *arena, struct slice s)
{
	char *copy = arena_bytes(arena, s.len + 1);

	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return copy;
}

struct slice arena_copy(struct arena *arena, struct slice s)
{
	return slice_from(arena_cstr(arena, s), s.len);
}

struct slice arena_lower(struct arena *arena, struct slice s)
{
	char *copy = arena_cstr(arena, s);

	for (size_t i = 0; i < s.len; i++)
		copy[i] = ascii_lower(copy[i]);
	return slice_from(copy, s.len);
}

struct slice arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	assert(len >= 0);
	char *text = arena_alloc(arena, (size_t)len + 1);

	vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return slice_from(text, (size_t)len);
}

struct slice arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	struct slice text = arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}
