/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoded reports, as a parser child that was taken over might send them: refused, or within the
 * limits; what was decoded survives its encoding, and its JSON is valid UTF-8 without control
 * characters.
 */
#include "core/limits.h"
#include "core/report_json.h"
#include "core/report_wire.h"
#include "core/utf8.h"
#include "tests/fuzz/check.h"

static void check_json(const struct report *report)
{
	struct json_writer json;
	struct buf out;

	buf_init(&out, 16 * LIMIT_REPORT_WIRE);
	json_init(&json, &out);
	json_object_begin(&json);
	report_json_members(&json, report, VOCABULARY_NONE);
	json_object_end(&json);
	struct slice text = buf_slice(&out);
	require(!out.full && utf8_valid(text));
	for (size_t i = 0; i < text.len; i++)
		require((unsigned char)text.ptr[i] >= ' ' && text.ptr[i] != 0x7f);
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice wire = slice_from((const char *)data, size);
	struct arena *arena = arena_new(0);
	struct report report, again;
	struct buf first, second;

	if (report_wire_decode(wire, arena, &report) == OK) {
		buf_init(&first, LIMIT_REPORT_WIRE);
		buf_init(&second, LIMIT_REPORT_WIRE);
		report_wire_encode(&report, &first);
		require(!first.full && first.len == size);
		require(report_wire_decode(buf_slice(&first), arena, &again) == OK);
		report_wire_encode(&again, &second);
		require(slice_equal(buf_slice(&first), buf_slice(&second)));
		check_json(&report);
		buf_done(&first);
		buf_done(&second);
	}
	arena_free(arena);
	return 0;
}
