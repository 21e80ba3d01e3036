/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sendmail's text: a list of addresses, each with "(reason: …)" and "(expanded from: …)", then the
 * transcript of the session. The transcript is more exact than the reason, which is its first line.
 */
#include "parser/readers/sendmail.h"

#include "parser/notice.h"
#include "parser/readers.h"
#include "parser/readers/transcript.h"

const char *const SENDMAIL_RETURNED[] = { "Original message follows", "Unsent message follows",
					  "Message header follows",   "Message body suppressed",
					  "Returned message follows", "Unsent message below",
					  "Original message",         NULL };

static const char *const HEADINGS[] = { "The following addresses ha", "The following address ha",
					"The following recipients ha", NULL };
static const char *const SECTIONS[] = { "Transcript of session", "Transcript of the session",
					NULL };
static const char *const FATAL[] = { "fatal errors",  "delivery problems", "delivery notifications",
				     "unrecoverable", "undeliverable",     NULL };
static const char *const TRANSIENT[] = { "transient non-fatal", "THIS IS A WARNING MESSAGE", NULL };

/* "(reason: 550 5.1.1 …)"; the closing parenthesis ends the line */
static struct slice parenthesis(struct slice body, const char *label)
{
	struct slice rest = text_after(body, label), line = SLICE_NONE;

	slice_next_line(&rest, &line);
	line = slice_trim(line);
	return slice_ends_with(line, SLICE(")")) ? slice_head(line, line.len - 1) : line;
}

static struct report_recipient *find_recipient(struct reading *reading, struct slice address)
{
	for (size_t i = 0; i < reading->recipient_count; i++) {
		struct report_recipient *recipient = &reading->recipients[i];
		if (slice_equal_nocase(recipient->address, address) ||
		    slice_equal_nocase(recipient->original, address))
			return recipient;
	}
	return NULL;
}

/* The last verdict on a recipient is the one that made it fail. */
static void judge(const struct message *message, struct report_recipient *recipient,
		  const struct verdict_line *line)
{
	struct slice words = slice_empty(line->reply) ? line->words : line->reply;

	recipient->diagnostic = SLICE_NONE;
	recipient->status = SLICE_NONE;
	recipient->reply_code = SLICE_NONE;
	if (!slice_empty(line->host) && !slice_empty(line->reply)) {
		recipient->remote_mta = line->host;
		recipient->command = line->command;
	}
	text_diagnose(message->arena, words, recipient);
	if (slice_empty(recipient->status))
		recipient->status = text_reply_find(line->words).status;
}

static void read_transcript(const struct message *message, struct reading *reading,
			    struct slice text)
{
	struct transcript transcript;
	struct verdict_line line, general = { .words = SLICE_NONE };

	transcript_init(&transcript, text, message->arena);
	while (transcript_next(&transcript, &line)) {
		struct report_recipient *recipient = find_recipient(reading, line.address);
		if (recipient)
			judge(message, recipient, &line);
		else
			general = line;
	}
	for (size_t i = 0; i < reading->recipient_count; i++) {
		struct report_recipient *recipient = &reading->recipients[i];
		if (slice_empty(recipient->diagnostic) && !slice_empty(general.words))
			judge(message, recipient, &general);
		if (slice_empty(recipient->remote_mta))
			recipient->remote_mta = general.host.ptr ? general.host : SLICE_NONE;
		/* nothing that looks like a verdict: a program's own words */
		if (slice_empty(recipient->diagnostic))
			text_diagnose(message->arena, text, recipient);
	}
}

static void add_listed(const struct message *message, struct reading *reading,
		       const struct text_entry *entry)
{
	struct slice origin = entry->original, address = entry->address;

	if (slice_empty(origin) &&
	    !text_find_address(parenthesis(entry->body, "(expanded from:"), &origin))
		origin = SLICE_NONE;
	/* a pipe or a file: the address that led there */
	if (slice_find_byte(address, '@') < 0)
		address = slice_empty(origin) ? text_complete(message, address) : origin;
	struct report_recipient *recipient =
		text_add(message, reading, address, parenthesis(entry->body, "(reason:"));
	if (recipient && slice_empty(recipient->original))
		recipient->original = origin;
}

static void read_list(const struct message *message, struct reading *reading, struct slice text)
{
	struct text_entries entries;
	struct text_entry entry;

	text_entries_init(&entries, text, TEXT_LOCAL | TEXT_SAME_INDENT);
	while (text_entries_next(&entries, &entry))
		add_listed(message, reading, &entry);
}

/* The lists end at an empty line in front of the next heading; there may be several. */
static void read_lists(const struct message *message, struct reading *reading, struct slice text)
{
	struct slice rest = text, line, after;

	while (slice_next_line(&rest, &line)) {
		if (!text_line_starts(line, HEADINGS, &after) || slice_empty(after))
			continue;
		/* deliveries that went well stand under a heading of their own */
		bool good = slice_find_nocase(after, SLICE("successful")) >= 0;
		if (!good && !text_has(after, FATAL) && !text_has(after, TRANSIENT))
			continue;
		reading->kind = good                         ? REPORT_DELIVERED
				: text_has(after, TRANSIENT) ? REPORT_DELAY
							     : REPORT_BOUNCE;
		struct slice next;
		struct slice list = text_split(
			rest, (const char *const[]){ "The following", "Transcript of", NULL },
			&next);
		read_list(message, reading, list);
		rest = slice_skip(rest, list.len);
	}
}

static enum report_kind worst_kind(const struct reading *reading)
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

/* Where a relay lost the MIME headers, the next part follows: "--w58.1528/mail.example". */
static struct slice before_boundary(struct slice text)
{
	struct slice rest = text, line;

	while (slice_next_line(&rest, &line)) {
		if (line.len > 2 && slice_starts_with(line, SLICE("--")) &&
		    ascii_is_alnum(line.ptr[2]) && line.ptr > text.ptr)
			return slice_head(text, (size_t)(line.ptr - text.ptr));
	}
	return text;
}

bool sendmail_notice_read(const struct message *message, struct reading *reading)
{
	struct slice transcript;
	struct slice text = text_split(message->text, SENDMAIL_RETURNED, &reading->returned);
	struct slice lists = text_split(text, SECTIONS, &transcript);

	read_lists(message, reading, lists);
	if (reading->recipient_count == 0)
		return false;
	read_transcript(message, reading, before_boundary(transcript));
	reading->kind = worst_kind(reading);
	return true;
}

static void sendmail_read(const struct message *message, struct reading *reading)
{
	if (!text_from_daemon(message) ||
	    !text_has_banner(message, (const char *const[]){ "The following address",
							     "The following recipients", NULL }))
		return;
	if (sendmail_notice_read(message, reading))
		reading->score = 58;
}

const struct reader reader_sendmail = { "sendmail", sendmail_read };
