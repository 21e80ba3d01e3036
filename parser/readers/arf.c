/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feedback reports: RFC 5965 (complaints), RFC 6591 (authentication failures: the same form, no
 * complaint), RFC 9477, and what Microsoft sends: until 2026 the mail itself with
 * X-HmXmrOriginalRecipient and no report part, since then a report that names nobody.
 *
 * Providers blank the recipient in many ways; a placeholder is kept as what it is, `redacted`.
 * Where the report names nobody, the returned message's only recipient stands in.
 */
#include "core/limits.h"
#include "parser/fields.h"
#include "parser/readers.h"
#include "parser/redaction.h"
#include "parser/text.h"

struct arf {
	const struct message *message;
	struct reading *reading;
	bool complaint; /* Abuse-Type says so, where Feedback-Type is missing */
};

static bool is_named(const struct field *field, const char *name)
{
	return slice_equal_nocase(field->name, slice_from_cstr(name));
}

static void add_recipient(struct arf *arf, struct slice value)
{
	struct reading *reading = arf->reading;
	struct slice address = recipient_clean(field_untyped(value));

	for (size_t i = 0; i < reading->recipient_count; i++) {
		if (slice_equal_nocase(reading->recipients[i].address, address))
			return;
	}
	struct report_recipient *recipient = reading_add(arf->message, reading);
	if (!recipient)
		return;
	recipient->address = address;
	recipient->redacted = recipient_redacted(address);
}

/* "Not_Spam" → "not-spam" */
static struct slice feedback_type(struct arena *arena, struct slice value)
{
	struct slice lower = arena_lower(arena, slice_head(value, LIMIT_REPORT_TEXT));
	char *text = arena_cstr(arena, lower);

	for (size_t i = 0; i < lower.len; i++) {
		if (text[i] == '_' || text[i] == ' ')
			text[i] = '-';
	}
	return slice_from(text, lower.len);
}

static void read_field(struct arf *arf, const struct field *field)
{
	struct reading *reading = arf->reading;

	if (is_named(field, "Feedback-Type"))
		reading->feedback_type = feedback_type(arf->message->arena, field->value);
	else if (is_named(field, "Abuse-Type"))
		arf->complaint |= slice_equal_nocase(field->value, SLICE("complaint"));
	else if (is_named(field, "Original-Rcpt-To") || is_named(field, "Removal-Recipient"))
		add_recipient(arf, field->value);
	else if (is_named(field, "Original-Mail-From"))
		reading->return_path = recipient_clean(field_untyped(field->value));
	else if (is_named(field, "Source-IP"))
		reading->source_ip = field->value;
	else if (is_named(field, "Reporting-MTA"))
		reading->reporting_mta = field_host(field->value);
	else if (is_named(field, "Arrival-Date") || is_named(field, "Received-Date"))
		reading->arrival_date = field->value;
}

static void read_part(struct arf *arf, struct slice body)
{
	struct fields fields;
	struct field field;

	fields_init(&fields, body, arf->message->arena);
	while (fields_next(&fields, &field))
		read_field(arf, &field);
}

static const struct part *returned_part(const struct message *message)
{
	const struct part *part = message_part(message, PART_MESSAGE);
	return part ? part : message_part(message, PART_HEADERS);
}

/* The one recipient that the returned message was for, where it names exactly one. */
static void add_returned_recipient(struct arf *arf)
{
	const struct part *part = returned_part(arf->message);
	struct header_block headers;

	if (!part)
		return;
	header_block_read(part->body, arf->message->arena, &headers);
	struct slice microsoft = header_value(&headers, "X-HmXmrOriginalRecipient");
	struct slice to = microsoft.len > 0 ? microsoft : header_value(&headers, "To");
	ptrdiff_t at = slice_find_byte(to, '@');
	if (at >= 0 && slice_find_byte(slice_skip(to, (size_t)at + 1), '@') < 0)
		add_recipient(arf, to);
}

/* The field that every feedback report has, at the beginning of a part under another type. */
static bool opens_like_report(const struct part *part)
{
	struct slice body = slice_head(part->body, 2048);
	ptrdiff_t at = slice_find_nocase(body, SLICE("Feedback-Type:"));

	if (part->depth == 0 || at < 0 || (part->kind != PART_TEXT && part->kind != PART_OTHER))
		return false;
	return (at == 0 || body.ptr[at - 1] == '\n') &&
	       slice_find_nocase(body, SLICE("User-Agent:")) >= 0;
}

static const struct part *report_part(const struct message *message)
{
	const struct part *part = message_part(message, PART_FEEDBACK_REPORT);

	for (size_t i = 0; !part && i < message->part_count; i++) {
		if (opens_like_report(&message->parts[i]))
			part = &message->parts[i];
	}
	return part;
}

static void arf_read(const struct message *message, struct reading *reading)
{
	struct arf arf = { .message = message, .reading = reading };
	const struct part *part = report_part(message);

	if (!part)
		return;
	read_part(&arf, part->body);
	if (reading->feedback_type.len == 0)
		reading->feedback_type = arf.complaint ? SLICE("abuse") : SLICE("other");
	if (reading->recipient_count == 0)
		add_returned_recipient(&arf);
	reading->kind = REPORT_COMPLAINT;
	reading->score = 95;
}

const struct reader reader_arf = { "arf", arf_read };

/* The first form of Microsoft's JMRP. The subject ends with the address that sent the mail. */
static void jmrp_read(const struct message *message, struct reading *reading)
{
	static const char *const SENDERS[] = { "staff@hotmail.com", "staff@outlook.com",
					       "@microsoft.com", "@hotmail.com", NULL };
	struct arf arf = { .message = message, .reading = reading };
	const struct part *part = message_part(message, PART_MESSAGE);
	struct slice source = text_after(header_value(&message->headers, "Subject"),
					 "complaint about message from");

	struct header_block headers;

	if (!part || slice_find_nocase(slice_head(part->body, LIMIT_HEADER_BLOCK),
				       SLICE("X-HmXmrOriginalRecipient:")) < 0)
		return;
	/* of the mail itself, not of one that somebody attached a report to */
	header_block_read(part->body, message->arena, &headers);
	if (!header_find(&headers, "X-HmXmrOriginalRecipient", 0))
		return;
	if (source.len == 0 && !text_header_has(message, "From", SENDERS))
		return;
	add_returned_recipient(&arf);
	reading->kind = REPORT_COMPLAINT;
	reading->feedback_type = SLICE("abuse");
	reading->source_ip = slice_trim(source);
	reading->score = 85;
}

const struct reader reader_jmrp = { "jmrp", jmrp_read };
