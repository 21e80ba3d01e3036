/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses: a normal form is its own normal form, has no upper-case ASCII letter and no control
 * character, and ASCII case in what was written makes no difference.
 */
#include "core/address.h"
#include "core/limits.h"
#include "tests/fuzz/check.h"

static struct slice upper(struct slice text, struct arena *arena)
{
	char *out = arena_cstr(arena, text);

	for (size_t i = 0; i < text.len; i++)
		if (out[i] >= 'a' && out[i] <= 'z')
			out[i] = (char)(out[i] - ('a' - 'A'));
	return slice_from(out, text.len);
}

static void check_normal(struct slice normal, struct arena *arena)
{
	struct address parts;

	for (size_t i = 0; i < normal.len; i++)
		require(normal.ptr[i] == ascii_lower(normal.ptr[i]));
	/* A name of few characters may be one of many bytes as A-labels. */
	if (normal.len > LIMIT_ADDRESS)
		return;
	require(slice_equal(address_normalise(arena, normal), normal));
	require(address_split(normal, &parts));
	require(slice_equal(domain_normalise(arena, parts.domain), parts.domain));
	for (size_t i = 0; i < parts.domain.len && parts.domain.ptr[0] != '['; i++)
		require(parts.domain.ptr[i] > ' ' && parts.domain.ptr[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_from((const char *)data, size);
	struct arena *arena = arena_new(0);
	struct slice normal = address_normalise(arena, text);

	if (normal.len > 0)
		check_normal(normal, arena);
	require(slice_equal(address_normalise(arena, upper(text, arena)), normal));
	arena_free(arena);
	return 0;
}
