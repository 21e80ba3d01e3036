/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON scan: what it accepts json-c accepts too, and says the same when it is written and read
 * again; each beginning of an object or array is refused.
 */
#include <stdlib.h>

#include "api/json_strict.h"
#include "core/utf8.h"

#define DEPTH 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(struct slice text)
{
	struct json_object *value = NULL, *again = NULL;
	const char *written;

	if (json_strict_parse(text, DEPTH, &value).detail || !utf8_valid(text))
		abort();
	written = json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
	if (json_strict_parse(slice_from_cstr(written), DEPTH, &again).detail ||
	    !json_object_equal(value, again))
		abort();
	json_object_put(again);
	json_object_put(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_from((const char *)data, size);
	struct json_fault fault = json_strict_check(text, DEPTH);
	struct slice trimmed = slice_trim(text);

	if (fault.offset > size)
		abort();
	if (fault.detail)
		return 0;
	check_accepted(text);
	if (trimmed.ptr[0] != '{' && trimmed.ptr[0] != '[')
		return 0;
	for (size_t len = 0; len < trimmed.len && len < 64; len++)
		if (!json_strict_check(slice_head(trimmed, len), DEPTH).detail)
			abort();
	return 0;
}
