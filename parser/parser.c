/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/parser.h"

#include "core/buf.h"
#include "core/limits.h"
#include "core/timestamp.h"
#include "parser/complete.h"
#include "parser/fields.h"
#include "parser/identity.h"
#include "parser/mime.h"
#include "parser/original.h"
#include "parser/prescan.h"
#include "parser/readers.h"
#include "parser/text.h"
#include "parser/verdict.h"

/* The longest trail that --explain prints. */
#define TRAIL_MAX 16384
/* From here on a reading is more than a guess from words (reader.h). */
#define SCORE_RECOGNISED 40

void parser_init(void)
{
	mime_init();
}

/* Files and mailboxes put an mbox line or empty lines in front of the message. */
static struct slice message_begin(struct slice raw)
{
	struct slice line;
	struct slice rest = raw;

	while (slice_next_line(&rest, &line)) {
		if (slice_trim(line).len > 0 && !slice_starts_with(line, SLICE("From ")) &&
		    !slice_starts_with(line, SLICE(">From ")))
			break;
		raw = rest;
	}
	return raw;
}

static void quarantine(struct report *report, const char *why)
{
	report->kind = REPORT_QUARANTINED;
	report->quarantine = slice_from_cstr(why);
}

/* The best reading wins, the earlier reader on a draw. The next best of the same kind, if it is
 * more than a guess, fills what the winner leaves open. */
static const struct reader *best_reading(const struct message *message, struct buf *trail,
					 struct reading *ret_reading)
{
	const struct reader *best = NULL;
	struct reading second = { 0 };

	*ret_reading = (struct reading){ 0 };
	for (size_t i = 0; i < READER_COUNT; i++) {
		struct reading reading = { 0 };
		if (READERS[i] == &reader_generic && ret_reading->score >= READER_GENERIC_SCORE)
			continue;
		READERS[i]->read(message, &reading);
		if (reading.score == 0)
			continue;
		if (trail)
			buf_printf(trail, "reader %s: %s, %zu recipients, score %d\n",
				   READERS[i]->name, report_kind_word(reading.kind),
				   reading.recipient_count, reading.score);
		if (reading.score > ret_reading->score) {
			second = *ret_reading;
			*ret_reading = reading;
			best = READERS[i];
		} else if (reading.score > second.score) {
			second = reading;
		}
	}
	if (second.score >= SCORE_RECOGNISED && second.kind == ret_reading->kind)
		reading_complete(ret_reading, &second);
	return best;
}

static int64_t parse_date(struct slice text)
{
	int64_t time;
	return time_parse_rfc5322(text, &time) ? time : TIME_NONE;
}

static void describe_message(const struct message *message, const struct prescan *prescan,
			     struct report *report)
{
	const struct header_block *headers = &message->headers;
	struct slice message_id = header_value(headers, "Message-ID");

	report->message_id = slice_head(field_bare(message_id), LIMIT_REPORT_TEXT);
	report->from = slice_head(header_value(headers, "From"), LIMIT_REPORT_TEXT);
	report->subject = slice_head(header_value(headers, "Subject"), LIMIT_REPORT_TEXT);
	report->date = parse_date(header_value(headers, "Date"));
	report->flags =
		arena_printf(message->arena, "%s%s%s", prescan->header_long ? " header-long" : "",
			     prescan->address_header_long ? " address-header-long" : "",
			     prescan->content_type_long ? " content-type-long" : "");
	report->flags = slice_skip(report->flags, 1);
}

static void cap_recipient(struct report_recipient *recipient)
{
	recipient->address = slice_head(recipient->address, LIMIT_ADDRESS);
	recipient->original = slice_head(recipient->original, LIMIT_ADDRESS);
	recipient->remote_mta = slice_head(recipient->remote_mta, LIMIT_REPORT_TEXT);
	recipient->diagnostic = slice_head(recipient->diagnostic, LIMIT_DIAGNOSTIC);
}

static void judge(struct report *report, const struct rules *rules, struct buf *trail)
{
	for (size_t i = 0; i < report->recipient_count; i++) {
		struct report_recipient *recipient = &report->recipients[i];
		cap_recipient(recipient);
		verdict_recipient(rules, report->format, report->kind, recipient);
		if (trail)
			buf_printf(trail, "recipient %.*s: %s by %.*s, matched \"%.*s\"\n",
				   SLICE_ARG(recipient->address), reason_word(recipient->reason),
				   SLICE_ARG(recipient->rule), SLICE_ARG(recipient->matched));
	}
}

static void fill_report(const struct message *message, const struct reader *reader,
			const struct reading *reading, struct report *report)
{
	struct header_block returned;

	report->kind = reading->kind;
	report->format = slice_from_cstr(reader->name);
	report->reporting_mta = slice_head(reading->reporting_mta, LIMIT_REPORT_TEXT);
	report->arrival_date = parse_date(reading->arrival_date);
	report->feedback_type = slice_head(reading->feedback_type, LIMIT_REPORT_TEXT);
	report->source_ip = slice_head(reading->source_ip, LIMIT_REPORT_TEXT);
	report->recipients = reading->recipients;
	report->recipient_count = reading->recipient_count;
	original_headers(message, reading, &returned);
	original_describe(&returned, reading, report);
	original_candidates(&returned, message, report);
	identity_describe(&returned, message, report);
}

static void read_report(struct slice raw, const struct rules *rules, struct arena *arena,
			struct buf *trail, struct report *report)
{
	struct prescan prescan;
	struct message message = { .arena = arena, .raw = message_begin(raw) };
	struct reading reading;

	prescan_message(message.raw, arena, &prescan);
	header_block_read(message.raw, arena, &message.headers);
	describe_message(&message, &prescan, report);
	const char *why = prescan.quarantine;
	if (!why)
		why = mime_read(&prescan, &message);
	if (why) {
		quarantine(report, why);
		return;
	}
	text_prepare(&message);
	const struct reader *reader = best_reading(&message, trail, &reading);
	if (!reader)
		return;
	fill_report(&message, reader, &reading, report);
	judge(report, rules, trail);
}

void parser_parse(struct slice raw, const struct rules *rules, bool explain, struct arena *arena,
		  struct report *ret_report)
{
	struct report report = {
		.kind = REPORT_NONE,
		.arrival_date = TIME_NONE,
		.date = TIME_NONE,
	};
	struct buf trail;

	buf_init(&trail, TRAIL_MAX);
	read_report(raw, rules, arena, explain ? &trail : NULL, &report);
	report.trail = arena_copy(arena, buf_slice(&trail));
	buf_done(&trail);
	*ret_report = report;
}
