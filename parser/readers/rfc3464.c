/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery status notifications: RFC 3464, and RFC 6533 for international addresses. Reads what is
 * there: recipient groups without empty lines between them, parts under another type, fields of
 * private types. Every recipient is kept with its own action; the kind is that of the worst.
 */
#include "core/address.h"
#include "core/status.h"
#include "parser/category.h"
#include "parser/fields.h"
#include "parser/readers.h"
#include "parser/redaction.h"
#include "parser/text.h"

struct dsn {
	const struct message *message;
	struct reading *reading;
	struct report_recipient *recipient; /* the group being read, NULL before the first */
	bool has_final;
	bool has_original;
};

#define SCORE_GENUINE 90
/* The fields stand under another type, or in the text. */
#define SCORE_LOOKALIKE 80
/* No address that mail could reach: another reader may know one. */
#define SCORE_UNUSABLE 38

static bool is_named(const struct field *field, const char *name)
{
	return slice_equal_nocase(field->name, slice_from_cstr(name));
}

static struct slice recipient_address(struct dsn *dsn, struct slice value)
{
	bool utf8 = slice_equal_nocase(field_type(value), SLICE("utf-8"));
	struct slice address = field_untyped(value);

	if (field_type(address).len > 0)
		address = field_untyped(address); /* "rfc822; rfc822; user@example.com" */
	if (utf8)
		address = recipient_unescape(dsn->message->arena, address);
	return recipient_clean(address);
}

/* The smtp type says nothing; others (x-unix, X-Postfix) tell what kind of text follows. */
static struct slice diagnostic_text(struct slice value)
{
	return slice_equal_nocase(field_type(value), SLICE("smtp")) ? field_untyped(value) : value;
}

static void group_begin(struct dsn *dsn)
{
	dsn->recipient = reading_add(dsn->message, dsn->reading);
	dsn->has_final = false;
	dsn->has_original = false;
}

static bool is_recipient_field(const struct field *field)
{
	static const char *const NAMES[] = { "Final-Recipient", "Original-Recipient",
					     "Action",          "Status",
					     "Remote-MTA",      "Diagnostic-Code" };

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		if (is_named(field, NAMES[i]))
			return true;
	}
	return false;
}

/* Each group has one Action and one Status: one that this group still lacks is its own, whatever
 * empty lines some gateway put in front of it. */
static bool completes_group(const struct dsn *dsn, const struct field *field)
{
	if (is_named(field, "Action"))
		return dsn->recipient->action == ACTION_NONE;
	return is_named(field, "Status") && dsn->recipient->status.len == 0;
}

/*
 * A group begins behind an empty line, or, where writers forget it, with the recipient field that
 * this group has already. Its fields come in any order.
 */
static bool field_begins_group(const struct dsn *dsn, const struct field *field)
{
	if (!is_recipient_field(field))
		return false;
	if (!dsn->recipient)
		return true;
	if (field->begins_block)
		return dsn->has_final && !completes_group(dsn, field);
	if (is_named(field, "Final-Recipient"))
		return dsn->has_final;
	return is_named(field, "Original-Recipient") && dsn->has_original;
}

/* "failed", "Failed (user unknown)", and what writers make of it: "failure", "undeliverable". */
static enum report_action action_from_value(struct slice value)
{
	static const struct {
		struct slice begins;
		enum report_action action;
	} WORDS[] = {
		{ SLICE_LITERAL("fail"), ACTION_FAILED },
		{ SLICE_LITERAL("undeliver"), ACTION_FAILED },
		{ SLICE_LITERAL("delay"), ACTION_DELAYED },
		{ SLICE_LITERAL("defer"), ACTION_DELAYED },
		{ SLICE_LITERAL("deliver"), ACTION_DELIVERED },
		{ SLICE_LITERAL("relay"), ACTION_RELAYED },
		{ SLICE_LITERAL("expand"), ACTION_EXPANDED },
	};

	for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
		if (slice_starts_with_nocase(value, WORDS[i].begins))
			return WORDS[i].action;
	}
	return ACTION_NONE;
}

static void read_recipient_field(struct dsn *dsn, const struct field *field)
{
	struct report_recipient *recipient = dsn->recipient;

	if (is_named(field, "Final-Recipient")) {
		recipient->address = recipient_address(dsn, field->value);
		dsn->has_final = true;
	} else if (is_named(field, "Original-Recipient")) {
		recipient->original = recipient_address(dsn, field->value);
		dsn->has_original = true;
	} else if (is_named(field, "Action")) {
		recipient->action = action_from_value(field->value);
	} else if (is_named(field, "Will-Retry-Until") && recipient->action == ACTION_NONE) {
		recipient->action = ACTION_DELAYED;
	} else if (is_named(field, "Status")) {
		status_parse_prefix(field->value, &recipient->status);
	} else if (is_named(field, "Remote-MTA")) {
		recipient->remote_mta = field_host(field->value);
	} else if (is_named(field, "Diagnostic-Code") && recipient->diagnostic.len == 0) {
		recipient->diagnostic = diagnostic_text(field->value);
	} else if (is_named(field, "X-PowerMTA-BounceCategory")) {
		recipient->category = category_reason(field->value);
	}
}

/* X-Postfix-Sender and its kin: the return path that the original had. */
static bool is_sender_field(const struct field *field)
{
	return slice_starts_with_nocase(field->name, SLICE("X-")) &&
	       slice_ends_with_nocase(field->name, SLICE("-Sender"));
}

static void read_field(struct dsn *dsn, const struct field *field)
{
	if (field_begins_group(dsn, field))
		group_begin(dsn);
	if (is_named(field, "Reporting-MTA") && dsn->reading->reporting_mta.len == 0)
		dsn->reading->reporting_mta = field_host(field->value);
	else if (is_sender_field(field))
		dsn->reading->return_path = recipient_clean(field_untyped(field->value));
	else if (is_named(field, "Arrival-Date") && dsn->reading->arrival_date.len == 0)
		dsn->reading->arrival_date = field->value;
	else if (dsn->recipient)
		read_recipient_field(dsn, field);
}

static void read_part(struct dsn *dsn, struct slice body)
{
	struct fields fields;
	struct field field;

	dsn->recipient = NULL;
	fields_init(&fields, body, dsn->message->arena);
	while (fields_next(&fields, &field))
		read_field(dsn, &field);
}

/* An action that is missing, or none that exists, follows from the status; without one, why write?
 */
static enum report_action action_of(const struct report_recipient *recipient)
{
	if (recipient->action != ACTION_NONE)
		return recipient->action;
	if (slice_starts_with(recipient->status, SLICE("2")))
		return ACTION_DELIVERED;
	return ACTION_FAILED;
}

/* Somebody outside could send mail to it: not "user", "@host" or the route "user@ims_daemon". */
static bool is_public(struct slice text)
{
	struct address address;
	return address_split(text, &address) && (slice_find_byte(address.domain, '.') > 0 ||
						 slice_starts_with(address.domain, SLICE("[")));
}

/* "Status: 5.0.0" beside a reply that says which: the reply was there first. */
static void sharpen_status(struct report_recipient *recipient)
{
	struct slice said = text_reply_find(recipient->diagnostic).status;

	if (slice_ends_with(recipient->status, SLICE(".0.0")) && said.len > 0 &&
	    said.ptr[0] == recipient->status.ptr[0])
		recipient->status = said;
}

static void finish_recipient(struct report_recipient *recipient)
{
	recipient->action = action_of(recipient);
	if (!is_public(recipient->address) && is_public(recipient->original))
		recipient->address = recipient->original;
	if (recipient->status.len == 0)
		recipient->status = status_find(recipient->diagnostic);
	sharpen_status(recipient);
	recipient->reply_code = reply_code_find(recipient->diagnostic);
	recipient->redacted = recipient_redacted(recipient->address);
}

/* Groups that name nobody are dropped. Returns whether one has a public address. */
static bool finish_recipients(struct reading *reading)
{
	size_t kept = 0;
	bool usable = false;

	for (size_t i = 0; i < reading->recipient_count; i++) {
		struct report_recipient *recipient = &reading->recipients[i];
		if (recipient->address.len == 0 && recipient->original.len == 0)
			continue;
		finish_recipient(recipient);
		usable |= is_public(recipient->address);
		reading->recipients[kept++] = *recipient;
	}
	reading->recipient_count = kept;
	return usable;
}

static enum report_kind kind_of(const struct reading *reading)
{
	enum report_kind kind = REPORT_DELIVERED;

	for (size_t i = 0; i < reading->recipient_count; i++) {
		if (reading->recipients[i].action == ACTION_FAILED)
			return REPORT_BOUNCE;
		if (reading->recipients[i].action == ACTION_DELAYED)
			kind = REPORT_DELAY;
	}
	return kind;
}

/* Whether the text opens like a delivery-status part: a field that only such a part has. */
static bool opens_like_status(struct slice body)
{
	static const struct slice NAMES[] = {
		SLICE_LITERAL("Reporting-MTA"),
		SLICE_LITERAL("Original-Envelope-Id"),
		SLICE_LITERAL("Final-Recipient"),
		SLICE_LITERAL("Original-Recipient"),
	};
	struct slice rest = slice_trim(slice_head(body, 1024));
	bool opens = false;

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		opens |= slice_starts_with_nocase(rest, NAMES[i]);
	return opens && slice_find_nocase(body, SLICE("Final-Recipient")) >= 0;
}

static const char *const REPORT[] = { "multipart/report", NULL };

/* Anybody may attach a text that looks like one, to show or to ask. */
static bool is_status_part(const struct message *message, const struct part *part)
{
	if (part->kind == PART_DELIVERY_STATUS)
		return true;
	if (slice_find(part->content_type, SLICE("delivery-status")) >= 0)
		return true; /* message/xdelivery-status, text/delivery-status */
	return part->depth > 0 && (part->kind == PART_TEXT || part->kind == PART_OTHER) &&
	       (text_from_daemon(message) || text_header_has(message, "Content-Type", REPORT)) &&
	       opens_like_status(part->body);
}

/* At the beginning of a line; -1 where it is not there. */
static ptrdiff_t find_field(struct slice text, struct slice name)
{
	size_t from = 0;

	for (ptrdiff_t at; (at = slice_find_nocase(slice_skip(text, from), name)) >= 0;) {
		from += (size_t)at;
		if (from == 0 || text.ptr[from - 1] == '\n')
			return (ptrdiff_t)from;
		from += name.len;
	}
	return -1;
}

/* What follows the headers of a part that lost its MIME structure: text begins at its boundary. */
static struct slice part_content(struct slice text)
{
	struct slice line;

	while (slice_next_line(&text, &line)) {
		if (line.len == 0)
			return text;
	}
	return SLICE_NONE;
}

/*
 * The fields inside a mail system's text: Amazon WorkMail puts them there, and so they come to lie
 * where a relay has lost the MIME headers. Ends where the returned message begins.
 */
static struct slice inline_status(const struct message *message, struct slice *ret_returned)
{
	struct slice text = message->text;
	ptrdiff_t begin = find_field(text, SLICE("Reporting-MTA:"));

	if (begin < 0 || !text_from_daemon(message))
		return SLICE_NONE;
	text = slice_skip(text, (size_t)begin);
	if (find_field(text, SLICE("Final-Recipient:")) < 0 ||
	    find_field(text, SLICE("Action:")) < 0)
		return SLICE_NONE;
	ptrdiff_t end = find_field(text, SLICE("--"));
	if (end < 0)
		return text;
	*ret_returned = part_content(slice_skip(text, (size_t)end));
	return slice_head(text, (size_t)end);
}

static int read_parts(struct dsn *dsn)
{
	int score = 0;

	for (size_t i = 0; i < dsn->message->part_count; i++) {
		const struct part *part = &dsn->message->parts[i];
		if (!is_status_part(dsn->message, part))
			continue;
		if (part->kind == PART_DELIVERY_STATUS)
			score = SCORE_GENUINE;
		else if (score == 0)
			score = SCORE_LOOKALIKE;
		read_part(dsn, part->body);
	}
	return score;
}

static void rfc3464_read(const struct message *message, struct reading *reading)
{
	struct dsn dsn = { .message = message, .reading = reading };
	int score = read_parts(&dsn);

	if (score == 0) {
		struct slice fields = inline_status(message, &reading->returned);
		score = fields.len > 0 ? SCORE_LOOKALIKE : 0;
		read_part(&dsn, fields);
	}
	bool usable = finish_recipients(reading);
	if (reading->recipient_count == 0)
		return;
	reading->kind = kind_of(reading);
	reading->score = usable ? score : SCORE_UNUSABLE;
}

const struct reader reader_rfc3464 = { "rfc3464", rfc3464_read };
