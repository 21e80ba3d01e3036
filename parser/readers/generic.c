/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounces of systems that nobody knows: a mail system as the sender, words that only bounces use,
 * and an address at a place where bounces name the recipient. A guess, so its score is low, and
 * where any of the three is missing there is none.
 */
#include "parser/notice.h"
#include "parser/readers.h"

static const char *const FAILURES[] = { "could not be delivered",
					"couldn't be delivered",
					"cannot be delivered",
					"can not be delivered",
					"can't be delivered",
					"was not delivered",
					"wasn't delivered",
					"has not been delivered",
					"NOT been delivered",
					"not delivered to",
					"unable to deliver",
					"could not deliver",
					"failed to deliver",
					"not able to deliver",
					"delivery failed",
					"delivery has failed",
					"delivery failure",
					"delivery to the following",
					"failure delivering",
					"error delivering",
					"undeliverable",
					"undelivered",
					"did not reach",
					"failed recipient",
					"user unknown",
					"unknown user",
					"unknown recipient",
					"no such user",
					"no such recipient",
					"no such mailbox",
					"not a valid user",
					"invalid recipient",
					"mailbox is full",
					"mailbox full",
					"over quota",
					"quota exceeded",
					"exceeded its quota",
					"address is wrong",
					"does not exist",
					"doesn't exist",
					"permanent error",
					"permanent failure",
					"fatal errors",
					"mailbox unavailable",
					"returned to sender",
					"nicht zugestellt",
					"unzustellbar",
					"n'a pas pu être",
					"n'a pas été remis",
					"no se pudo entregar",
					"no pudo ser entregado",
					"non è stato possibile",
					"non recapitabile",
					"não pôde ser entregue",
					"não foi possível entregar",
					"kunde inte levereras",
					"niet worden afgeleverd",
					"niet worden bezorgd",
					"kunne ikke leveres",
					"не может быть доставлено",
					"не доставлено",
					"не удалось доставить",
					"配信できません",
					"送信できません",
					"送信に失敗しました",
					"配送できません",
					"无法投递",
					"无法送达",
					"退信",
					"無法投遞",
					"전송하지 못했습니다",
					NULL };
static const char *const DELAYS[] = { "not yet been delivered",
				      "still being retried",
				      "continue to attempt",
				      "will keep trying",
				      "has been delayed",
				      "is delayed",
				      "delivery attempts will continue",
				      "will be retried",
				      "temporary failure report",
				      "this is just a warning",
				      "has been postponed",
				      "WARNING MESSAGE ONLY",
				      NULL };
static const char *const RETURNED[] = { "Original message",
					"Below this line is a copy",
					"Below is a copy",
					"This is a copy",
					"A copy of the original message",
					"A summary of the undelivered message",
					"Message headers follow",
					"Message header follows",
					"The header and top",
					"The header of the original",
					"Included is a copy",
					"Enclosed is a copy",
					"Attached is a copy",
					"Returned message",
					"Unsent message",
					"Undelivered message follows",
					"Forwarded message",
					"RETURNED MAIL FOLLOWS",
					"START OF RETURNED MESSAGE",
					"Here is your returned mail",
					"Your message reads",
					"Old message:",
					"Message text follows",
					"Begin forwarded message",
					"Received:",
					"Return-Path:",
					NULL };
/* Behind these, on the same line, stands the recipient. */
static const char *const LABELS[] = { "Failed Recipient:",
				      "Recipient:",
				      "Final-Recipient:",
				      "RCPT TO:",
				      "Recipient(s):",
				      "Recipients:",
				      "Failed address:",
				      "Undeliverable Address:",
				      "Intended recipient:",
				      "Undeliverable to",
				      "Address:",
				      "To:",
				      NULL };
/* On a line with these, too. */
static const char *const SAYINGS[] = { "your message to",
				       "your mail to",
				       "message to",
				       "mail to",
				       "deliver to",
				       "delivered to",
				       "delivery to",
				       "following recipient",
				       "following address",
				       "recipient:",
				       "user unknown",
				       "no such user",
				       "unknown user",
				       "mailbox",
				       "quota",
				       "invalid",
				       "not exist",
				       NULL };
/* Nobody mails these; notices name them as whom to ask. */
static const char *const HELPERS[] = { "postmaster@", "mailer-daemon@", "abuse@",     "support@",
				       "helpdesk@",   "admin@",         "webmaster@", "hostmaster@",
				       "mdaemon@",    "noc@",           NULL };

/* Whether the address is one of the report's own, or of those who help. */
static bool is_own(const struct message *message, struct slice address)
{
	static const char *const names[] = { "To",          "From",         "Reply-To", "Sender",
					     "Return-Path", "Delivered-To", NULL };

	for (size_t i = 0; HELPERS[i]; i++) {
		if (slice_starts_with_nocase(address, slice_from_cstr(HELPERS[i])))
			return true;
	}
	for (size_t i = 0; names[i]; i++) {
		if (slice_find_nocase(header_value(&message->headers, names[i]), address) >= 0)
			return true;
	}
	return false;
}

/* How sure the place on this line is: 0 no recipient, 3 a label. */
static int place_of(struct slice line, struct slice address)
{
	struct slice words = slice_trim(line), after, whole;

	if (text_line_starts(words, LABELS, &after) && text_find_address(after, &whole))
		return 3;
	if (text_whole_address(words, &whole) ||
	    (slice_ends_with(words, SLICE(":")) &&
	     text_whole_address(slice_head(words, words.len - 1), &whole)))
		return 3;
	if (slice_starts_with(words, address) || slice_starts_with(words, SLICE("<")))
		return 2;
	return text_has(words, SAYINGS) || !slice_empty(text_reply_find(words).code) ? 1 : 0;
}

/* The paragraph around `at`, which quotes no more than is needed to tell why. */
static struct slice paragraph_at(struct slice text, const char *at)
{
	struct slice rest = text, line;
	const char *begin = text.ptr;

	while (slice_next_line(&rest, &line)) {
		if (!slice_empty(slice_trim(line)))
			continue;
		if (line.ptr > at)
			return slice_from(begin, (size_t)(line.ptr - begin));
		begin = rest.ptr;
	}
	return slice_from(begin, (size_t)(text.ptr + text.len - begin));
}

/* Where a reply is quoted, its paragraph; else the one with the address and what follows it. */
static struct slice words_about(struct slice text, struct slice address)
{
	struct text_reply reply = text_reply_find(text);

	if (!slice_empty(reply.code))
		return paragraph_at(text, reply.code.ptr);
	return slice_empty(address) || address.ptr < text.ptr || address.ptr > text.ptr + text.len
		       ? text
		       : paragraph_at(text, address.ptr);
}

/* Adds the recipients whose place is at least as sure as the surest. */
static void read_places(const struct message *message, struct reading *reading, struct slice text)
{
	struct slice rest, line, address;
	int best = 0;

	for (int pass = 0; pass < 2; pass++) {
		rest = text;
		while (slice_next_line(&rest, &line)) {
			if (slice_starts_with(line, SLICE(">")) ||
			    !text_find_address(line, &address) || is_own(message, address))
				continue;
			int place = place_of(line, address);
			if (pass == 0 && place > best)
				best = place;
			if (pass == 1 && place > 0 && place == best)
				text_add(message, reading, address, words_about(text, address));
		}
	}
}

static void generic_read(const struct message *message, struct reading *reading)
{
	struct slice subject = header_value(&message->headers, "Subject"), address;

	/* lists carry mail about bounces, too */
	if (!text_from_daemon(message) || header_find(&message->headers, "List-Id", 0) ||
	    header_find(&message->headers, "List-Post", 0))
		return;
	struct slice text = text_split(slice_head(message->text, TEXT_BANNER_BYTES * 2), RETURNED,
				       &reading->returned);
	if (!text_has(text, FAILURES) && !text_has(subject, FAILURES) && !text_has(text, DELAYS))
		return;
	reading->kind = text_has(text, DELAYS) ? REPORT_DELAY : REPORT_BOUNCE;
	read_places(message, reading, text);
	if (reading->recipient_count == 0 && text_find_address(subject, &address) &&
	    !is_own(message, address))
		text_add(message, reading, address, words_about(text, SLICE_NONE));
	if (reading->recipient_count > 0)
		reading->score = 20;
}

const struct reader reader_generic = { "generic", generic_read };
