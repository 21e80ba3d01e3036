/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/original.h"

#include "core/limits.h"
#include "core/token.h"
#include "parser/fields.h"

void original_headers(const struct message *message, const struct reading *reading,
		      struct header_block *ret_headers)
{
	const struct part *part = message_part(message, PART_MESSAGE);
	struct slice text = reading->returned;

	if (!part)
		part = message_part(message, PART_HEADERS);
	if (part)
		text = part->body;
	header_block_read(text, message->arena, ret_headers);
}

static struct slice capped(const struct header_block *headers, const char *name)
{
	return slice_head(header_value(headers, name), LIMIT_REPORT_TEXT);
}

void original_describe(const struct header_block *headers, const struct reading *reading,
		       struct report *report)
{
	struct report_original *original = &report->original;

	original->present = headers->count > 0 || reading->return_path.len > 0;
	original->message_id = field_bare(capped(headers, "Message-ID"));
	original->subject = capped(headers, "Subject");
	original->from = capped(headers, "From");
	original->to = capped(headers, "To");
	original->return_path = field_bare(capped(headers, "Return-Path"));
	if (original->return_path.len == 0)
		original->return_path = slice_head(reading->return_path, LIMIT_REPORT_TEXT);
	original->list_id = capped(headers, "List-Id");
	original->list_unsubscribe = capped(headers, "List-Unsubscribe");
	original->feedback_id = capped(headers, "Feedback-ID");
	original->cfbl_feedback_id = capped(headers, "CFBL-Feedback-ID");
	original->date = capped(headers, "Date");
}

struct collector {
	struct arena *arena;
	struct report *report;
};

static void collect_one(struct collector *collector, struct slice text, enum candidate_place place)
{
	struct report *report = collector->report;

	for (size_t i = 0; i < report->candidate_count; i++) {
		if (slice_equal_nocase(report->candidates[i].text, text))
			return;
	}
	if (report->candidate_count == LIMIT_TOKEN_CANDIDATES)
		return;
	if (!report->candidates)
		report->candidates = ARENA_ARRAY(collector->arena, struct token_candidate,
						 LIMIT_TOKEN_CANDIDATES);
	report->candidates[report->candidate_count++] =
		(struct token_candidate){ .text = text, .place = place };
}

static bool is_base32(char c)
{
	return ascii_is_alpha(c) || (c >= '2' && c <= '7');
}

/* Each run "b-" + base 32 that stands as a word of its own. */
static void collect(struct collector *collector, struct slice text, enum candidate_place place)
{
	const size_t shortest = sizeof(TOKEN_PREFIX) - 1 + TOKEN_MAC_LEN * 8 / 5;

	for (size_t at = 0; at + shortest <= text.len; at++) {
		if (ascii_lower(text.ptr[at]) != 'b' || text.ptr[at + 1] != '-' ||
		    (at > 0 && (ascii_is_alnum(text.ptr[at - 1]) || text.ptr[at - 1] == '-')))
			continue;
		size_t end = at + 2;
		while (end < text.len && is_base32(text.ptr[end]))
			end++;
		bool whole =
			end == text.len || (!ascii_is_alnum(text.ptr[end]) && text.ptr[end] != '-');
		if (whole && end - at >= shortest && end - at <= TOKEN_TEXT_MAX)
			collect_one(collector, slice_from(text.ptr + at, end - at), place);
		at = end - 1;
	}
}

static void collect_headers(struct collector *collector, const struct header_block *headers,
			    const char *name, enum candidate_place place)
{
	const struct header *header;

	for (size_t nth = 0; (header = header_find(headers, name, nth)); nth++)
		collect(collector, header->value, place);
}

void original_candidates(const struct header_block *headers, const struct message *message,
			 struct report *report)
{
	struct collector collector = { .arena = message->arena, .report = report };

	collect_headers(&collector, headers, "CFBL-Feedback-ID", CANDIDATE_CFBL_FEEDBACK_ID);
	collect_headers(&collector, headers, "List-Unsubscribe", CANDIDATE_LIST_UNSUBSCRIBE);
	collect_headers(&collector, headers, "Return-Path", CANDIDATE_RETURN_PATH);
	collect(&collector, report->original.return_path, CANDIDATE_RETURN_PATH);
	for (size_t i = 0; i < headers->count; i++) {
		if (slice_starts_with_nocase(headers->headers[i].name, SLICE("X-")))
			collect(&collector, headers->headers[i].value, CANDIDATE_HEADER);
	}
	for (size_t i = 0; i < report->recipient_count; i++) {
		collect(&collector, report->recipients[i].address, CANDIDATE_RECIPIENT);
		collect(&collector, report->recipients[i].original, CANDIDATE_RECIPIENT);
	}
	collect_headers(&collector, &message->headers, "X-Failed-Recipients", CANDIDATE_RECIPIENT);
}
