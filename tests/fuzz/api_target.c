/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request targets: what is accepted has segments and parameters that are printable UTF-8, no empty
 * or dot segment, and as many segments as the path has slashes.
 */
#include <stdlib.h>

#include "api/target.h"
#include "core/arena.h"
#include "core/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct slice text)
{
	if (!utf8_valid(text))
		abort();
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			abort();
}

static void check_request(const struct request *request)
{
	size_t slashes = 0;

	for (size_t i = 0; i < request->path.len; i++)
		slashes += request->path.ptr[i] == '/';
	if (request->segment_count != (request->path.len == 1 ? 0 : slashes))
		abort();
	for (size_t i = 0; i < request->segment_count; i++) {
		check_text(request->segments[i]);
		if (slice_empty(request->segments[i]) ||
		    slice_equal(request->segments[i], SLICE("..")))
			abort();
	}
	for (size_t i = 0; i < request->param_count; i++) {
		check_text(request->params[i].name);
		check_text(request->params[i].value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request request = { .target = slice_from((const char *)data, size) };
	struct arena *arena = arena_new(0);

	if (!target_parse(&request, arena))
		check_request(&request);
	arena_free(arena);
	return 0;
}
