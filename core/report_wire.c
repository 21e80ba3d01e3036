/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout: a version byte, then the members of struct report in their order. Numbers are 4 bytes
 * little-endian (times 8), text is its length and its bytes, arrays their count and elements.
 */
#include "core/report_wire.h"

#include <string.h>

#include "core/limits.h"
#include "core/timestamp.h"

#define WIRE_VERSION 2

static void put_u32(struct buf *out, uint32_t value)
{
	char bytes[4] = { (char)value, (char)(value >> 8), (char)(value >> 16),
			  (char)(value >> 24) };

	buf_append(out, slice_from(bytes, sizeof(bytes)));
}

static void put_i64(struct buf *out, int64_t value)
{
	put_u32(out, (uint32_t)(uint64_t)value);
	put_u32(out, (uint32_t)((uint64_t)value >> 32));
}

static void put_text(struct buf *out, struct slice text)
{
	put_u32(out, (uint32_t)text.len);
	buf_append(out, text);
}

static void put_recipient(struct buf *out, const struct report_recipient *recipient)
{
	const struct slice texts[] = { recipient->address,    recipient->original,
				       recipient->status,     recipient->reply_code,
				       recipient->remote_mta, recipient->diagnostic,
				       recipient->rule,       recipient->matched };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		put_text(out, texts[i]);
	buf_append_byte(out, (char)recipient->action);
	buf_append_byte(out, (char)recipient->reason);
	buf_append_byte(out, (char)recipient->severity);
	buf_append_byte(out, (char)recipient->class_);
	buf_append_byte(out, (char)recipient->redacted);
}

static void put_original(struct buf *out, const struct report_original *original)
{
	const struct slice texts[] = { original->message_id,
				       original->subject,
				       original->from,
				       original->to,
				       original->return_path,
				       original->list_id,
				       original->list_unsubscribe,
				       original->feedback_id,
				       original->cfbl_feedback_id,
				       original->date };

	buf_append_byte(out, (char)original->present);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		put_text(out, texts[i]);
	put_u32(out, (uint32_t)original->identifier_count);
	for (size_t i = 0; i < original->identifier_count; i++) {
		put_text(out, original->identifiers[i].scheme);
		put_text(out, original->identifiers[i].value);
	}
}

void report_wire_encode(const struct report *report, struct buf *out)
{
	const struct slice texts[] = { report->format,        report->reporting_mta,
				       report->feedback_type, report->source_ip,
				       report->message_id,    report->from,
				       report->subject,       report->quarantine,
				       report->flags,         report->trail };

	buf_append_byte(out, WIRE_VERSION);
	buf_append_byte(out, (char)report->kind);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		put_text(out, texts[i]);
	put_i64(out, report->arrival_date);
	put_i64(out, report->date);
	put_u32(out, (uint32_t)report->recipient_count);
	for (size_t i = 0; i < report->recipient_count; i++)
		put_recipient(out, &report->recipients[i]);
	put_original(out, &report->original);
	put_u32(out, (uint32_t)report->candidate_count);
	for (size_t i = 0; i < report->candidate_count; i++) {
		put_text(out, report->candidates[i].text);
		buf_append_byte(out, (char)report->candidates[i].place);
	}
}

/* Reading never goes past the end: after the first mistake `bad` is set and all else reads as zero.
 */
struct wire_reader {
	struct slice rest;
	bool bad;
};

static unsigned take_byte(struct wire_reader *reader, unsigned below)
{
	unsigned value = 0;

	if (reader->rest.len < 1)
		reader->bad = true;
	else
		value = (unsigned char)reader->rest.ptr[0];
	reader->rest = slice_skip(reader->rest, 1);
	if (value >= below) {
		reader->bad = true;
		value = 0;
	}
	return value;
}

static uint32_t take_u32(struct wire_reader *reader)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < 4; i++)
		value |= (uint32_t)take_byte(reader, 256) << (8 * i);
	return value;
}

static int64_t take_time(struct wire_reader *reader)
{
	uint64_t low = take_u32(reader);
	int64_t value = (int64_t)(low | (uint64_t)take_u32(reader) << 32);

	/* beyond what SQL and JSON can say, a time is no time */
	if (value < -62135596800000 || value > 253402300799999)
		return TIME_NONE;
	return value;
}

static uint32_t take_count(struct wire_reader *reader, uint32_t max)
{
	uint32_t count = take_u32(reader);

	if (count <= max)
		return count;
	reader->bad = true;
	return 0;
}

static struct slice take_text(struct wire_reader *reader, size_t max)
{
	uint32_t len = take_u32(reader);

	if (len > max || len > reader->rest.len) {
		reader->bad = true;
		return SLICE_NONE;
	}
	struct slice text = slice_head(reader->rest, len);

	reader->rest = slice_skip(reader->rest, len);
	return text;
}

static void take_recipient(struct wire_reader *reader, struct report_recipient *recipient)
{
	recipient->address = take_text(reader, LIMIT_ADDRESS);
	recipient->original = take_text(reader, LIMIT_ADDRESS);
	recipient->status = take_text(reader, LIMIT_REPORT_TEXT);
	recipient->reply_code = take_text(reader, LIMIT_REPORT_TEXT);
	recipient->remote_mta = take_text(reader, LIMIT_REPORT_TEXT);
	recipient->diagnostic = take_text(reader, LIMIT_DIAGNOSTIC);
	recipient->rule = take_text(reader, LIMIT_REPORT_TEXT);
	recipient->matched = take_text(reader, LIMIT_DIAGNOSTIC);
	recipient->action = (enum report_action)take_byte(reader, ACTION_COUNT);
	recipient->reason = (enum reason)take_byte(reader, REASON_COUNT);
	recipient->severity = (enum severity)take_byte(reader, SEVERITY_COUNT);
	recipient->class_ = (enum reason_class)take_byte(reader, CLASS_COUNT);
	recipient->redacted = take_byte(reader, 2) != 0;
}

static void take_original(struct wire_reader *reader, struct arena *arena,
			  struct report_original *original)
{
	struct slice *const texts[] = { &original->message_id,
					&original->subject,
					&original->from,
					&original->to,
					&original->return_path,
					&original->list_id,
					&original->list_unsubscribe,
					&original->feedback_id,
					&original->cfbl_feedback_id,
					&original->date };

	original->present = take_byte(reader, 2) != 0;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = take_text(reader, LIMIT_REPORT_TEXT);
	original->identifier_count = take_count(reader, LIMIT_IDENTIFIERS);
	original->identifiers =
		ARENA_ARRAY(arena, struct report_identifier, original->identifier_count);
	for (size_t i = 0; i < original->identifier_count && !reader->bad; i++) {
		original->identifiers[i].scheme = take_text(reader, LIMIT_REPORT_TEXT);
		original->identifiers[i].value = take_text(reader, LIMIT_REPORT_TEXT);
	}
}

enum err report_wire_decode(struct slice wire, struct arena *arena, struct report *ret_report)
{
	struct wire_reader reader = { wire, false };
	struct report report = { 0 };
	struct slice *const texts[] = { &report.format,        &report.reporting_mta,
					&report.feedback_type, &report.source_ip,
					&report.message_id,    &report.from,
					&report.subject,       &report.quarantine,
					&report.flags };

	if (take_byte(&reader, 256) != WIRE_VERSION)
		return ERR_REFUSE;
	report.kind = (enum report_kind)take_byte(&reader, REPORT_KIND_COUNT);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = take_text(&reader, LIMIT_REPORT_TEXT);
	report.trail = take_text(&reader, LIMIT_REPORT_WIRE);
	report.arrival_date = take_time(&reader);
	report.date = take_time(&reader);
	report.recipient_count = take_count(&reader, LIMIT_REPORT_RECIPIENTS);
	report.recipients = ARENA_ARRAY(arena, struct report_recipient, report.recipient_count);
	for (size_t i = 0; i < report.recipient_count && !reader.bad; i++)
		take_recipient(&reader, &report.recipients[i]);
	take_original(&reader, arena, &report.original);
	report.candidate_count = take_count(&reader, LIMIT_TOKEN_CANDIDATES);
	report.candidates = ARENA_ARRAY(arena, struct token_candidate, report.candidate_count);
	for (size_t i = 0; i < report.candidate_count && !reader.bad; i++) {
		report.candidates[i].text = take_text(&reader, LIMIT_ADDRESS);
		report.candidates[i].place =
			(enum candidate_place)take_byte(&reader, CANDIDATE_RECIPIENT + 1);
	}
	if (reader.bad || reader.rest.len != 0)
		return ERR_REFUSE;
	*ret_report = report;
	return OK;
}
