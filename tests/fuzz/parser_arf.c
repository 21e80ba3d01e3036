/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of feedback reports: the input up to the first byte 0xFF is the report part, the rest
 * the returned message. Placeholders are marked as what they are, the type is in lower case, and LF
 * or CRLF makes no difference.
 */
#include "core/arena.h"
#include "parser/readers.h"
#include "parser/redaction.h"
#include "tests/fuzz/reading.h"

#define SAME_WITH_CRLF 512

static struct reading read_report(struct slice report, struct slice returned, struct arena *arena)
{
	struct part parts[] = {
		{ .kind = PART_FEEDBACK_REPORT,
		  .content_type = SLICE("message/feedback-report"),
		  .body = report,
		  .depth = 1 },
		{ .kind = PART_MESSAGE,
		  .content_type = SLICE("message/rfc822"),
		  .body = returned,
		  .depth = 1 },
	};
	struct message message = {
		.arena = arena,
		.raw = report,
		.content_type = SLICE("multipart/report"),
		.report_type = SLICE("feedback-report"),
		.parts = parts,
		.part_count = returned.len > 0 ? 2 : 1,
	};

	return read_with(&reader_arf, &message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct slice returned = slice_from((const char *)data, size);
	struct slice report = SLICE_NONE;

	slice_next_field(&returned, (char)0xff, &report);
	struct reading reading = read_report(report, returned, arena);
	check_reading(&reading);
	for (size_t i = 0; i < reading.feedback_type.len; i++)
		require(reading.feedback_type.ptr[i] == ascii_lower(reading.feedback_type.ptr[i]));
	for (size_t i = 0; i < reading.recipient_count; i++)
		require(reading.recipients[i].redacted ||
			!recipient_redacted(reading.recipients[i].address));
	if (size < SAME_WITH_CRLF) {
		struct reading crlf =
			read_report(crlf_of(report, arena), crlf_of(returned, arena), arena);
		require(same_readings(&reading, &crlf));
	}
	arena_free(arena);
	return 0;
}
