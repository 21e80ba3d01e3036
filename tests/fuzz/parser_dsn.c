/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of delivery status notifications over one part. The first byte says which: the status
 * part itself, a part that only looks like one, or the message's own text. Each recipient is
 * complete, the kind is that of the worst, and LF or CRLF makes no difference.
 */
#include "core/arena.h"
#include "parser/readers.h"
#include "tests/fuzz/reading.h"

/* Some looks go so far into a text: with CRLF that is fewer lines. */
#define SAME_WITH_CRLF 512

static struct reading read_part(uint8_t shape, struct slice body, struct arena *arena)
{
	static const enum part_kind KINDS[] = { PART_DELIVERY_STATUS, PART_OTHER, PART_TEXT };
	struct part part = {
		.kind = KINDS[shape % 3],
		.content_type = SLICE("x/y"),
		.body = body,
		.depth = shape % 3 == 2 ? 0 : 1,
	};
	struct header from = { SLICE("From"), SLICE("mailer-daemon@mx.example"), SLICE_NONE };
	struct message message = {
		.arena = arena,
		.raw = body,
		.headers = { &from, 1 },
		.parts = &part,
		.part_count = 1,
		.text = shape % 3 == 2 ? body : SLICE_NONE,
	};

	return read_with(&reader_rfc3464, &message);
}

static void check_kind(const struct reading *reading)
{
	enum report_kind worst = REPORT_DELIVERED;

	for (size_t i = 0; i < reading->recipient_count; i++) {
		const struct report_recipient *recipient = &reading->recipients[i];
		require(recipient->action != ACTION_NONE);
		if (recipient->action == ACTION_FAILED)
			worst = REPORT_BOUNCE;
		else if (recipient->action == ACTION_DELAYED && worst == REPORT_DELIVERED)
			worst = REPORT_DELAY;
	}
	require(reading->recipient_count == 0 || reading->kind == worst);
	require((reading->recipient_count > 0) == (reading->score > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct arena *arena = arena_new(0);
	struct slice body = slice_from((const char *)data + 1, size - 1);
	struct reading reading = read_part(data[0], body, arena);

	check_reading(&reading);
	check_kind(&reading);
	if (body.len < SAME_WITH_CRLF) {
		struct reading crlf = read_part(data[0], crlf_of(body, arena), arena);
		require(same_readings(&reading, &crlf));
	}
	arena_free(arena);
	return 0;
}
