/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounces of systems that nobody knows: a mail system as the sender, words that only bounces use,
 * and an address at a place where bounces name the recipient. A guess, so its score is low, and
 * where any of the three is missing there is none.
 */
#include "parser/notice.h"
#include "parser/readers.h"

/* Log summaries name more; no bounce of an unknown system does. */
#define RECIPIENTS_MAX 10
/* What is quoted of a notice that has no reply in it. */
#define WORDS_MAX 1000

/* clang-format off */
/* A delivery failed. */
static const char *const FAILURES[] = {
	"could not be delivered", "couldn't be delivered", "cannot be delivered",
	"can not be delivered", "can't be delivered", "was not delivered", "wasn't delivered",
	"has not been delivered", "NOT been delivered", "not delivered to", "unable to deliver",
	"could not deliver", "failed to deliver", "not able to deliver", "delivery failed",
	"delivery has failed", "delivery failure", "delivery to the following",
	"failure delivering", "error delivering", "delivery problem", "undeliverable",
	"undelivered", "did not reach", "failed recipient", "was aborted", "fatal errors",
	"permanent error", "permanent failure", "returned to sender", "could not be reached",
	"has failed delivery", "delivery of the email was stopped",
	"nicht zugestellt", "unzustellbar", "nicht erreicht", "n'a pas pu être",
	"n'a pas atteint", "n'a pas été remis", "Échec de la remise", "no se pudo entregar",
	"no pudo ser entregado", "no se ha podido entregar", "non è stato possibile",
	"non recapitabile", "non ha raggiunto", "não pôde ser entregue",
	"não foi possível entregar", "kunde inte levereras", "niet worden afgeleverd",
	"niet worden bezorgd", "kunne ikke leveres", "ei voitu toimittaa",
	"nie może zostać dostarczona", "nie została dostarczona", "niedostarczona",
	"nemohl být doručen", "nelze doručit", "nebylo možné doručit", "nebolo možné doručiť",
	"nem sikerült kézbesíteni", "nem kézbesíthető", "nu a putut fi livrat",
	"teslim edilemedi", "iletilemedi", "δεν ήταν δυνατή η παράδοση", "δεν παραδόθηκε",
	"no s'ha pogut lliurar", "không thể gửi", "tidak dapat dikirim", "tidak terkirim",
	"تعذر تسليم", "לא ניתן היה למסור", "не вдалося доставити", "не может быть доставлено", "не доставлено",
	"не удалось доставить", "配信できません", "送信できません", "送信に失敗しました",
	"配信に失敗", "届きませんでした", "お届けできません",
	"配送できません", "无法投递", "无法送达", "退信", "無法投遞", "전송하지 못했습니다", NULL,
};
/* An address is bad: said of the address itself, it is enough. */
static const char *const FAULTS[] = {
	"user unknown", "unknown user", "unknown recipient", "no such user", "no such recipient",
	"no such mailbox", "not a valid user", "invalid recipient", "mailbox is full",
	"mailbox full", "over quota", "quota exceeded", "exceeded its quota", "address is wrong",
	"does not exist", "doesn't exist", "mailbox unavailable", "no longer valid", NULL,
};
static const char *const DELAYS[] = {
	"not yet been delivered", "not yet be delivered", "still being retried",
	"continue to attempt", "will keep trying", "has been delayed", "is delayed",
	"delivery attempts will continue", "will be retried", "temporary failure report",
	"this is just a warning", "has been postponed", "WARNING MESSAGE ONLY",
	"will continue to be attempted", "will continue trying", NULL,
};
static const char *const RETURNED[] = {
	"Original message", "Below this line is a copy", "Below is a copy", "This is a copy",
	"A copy of the original message", "A summary of the undelivered message",
	"Message headers follow", "Message header follows", "Message text follows",
	"The header and top", "The header of the original", "Included is a copy",
	"Enclosed is a copy", "Attached is a copy", "Returned message", "Returned mail follows",
	"Start of returned message", "Here is your returned mail", "Your message reads",
	"Old message:", "Unsent message", "Undelivered message follows", "Forwarded message",
	"Begin forwarded message", "Received:", "Return-Path:", NULL,
};
/* Behind these, on the same line, stands the recipient. */
static const char *const LABELS[] = {
	"Failed Recipient:", "Failed address:", "Recipient:", "Recipient(s):", "Recipients:",
	"Final-Recipient:", "RCPT TO:", "Intended recipient:", "Undeliverable Address:",
	"Undeliverable to", "Address:", "To:", "Empfänger:", "Destinataire :", "Destinataire:",
	"Destinatario:", "Destinatário:", "Ontvanger:", "Mottagare:", "Получатель:", "宛先",
	"收件人", "受信者", "받는 사람", NULL,
};
/* On a line with these, too. */
static const char *const SAYINGS[] = {
	"your message to", "your mail to", "message to", "mail to", "deliver to", "delivered to",
	"delivery to", "addressed to", "SMTP <", "following recipient", "following address", "recipient",
	"mailbox", NULL,
};
/* Nobody mails these; notices name them as whom to ask. */
static const char *const HELPERS[] = {
	"postmaster@", "mailer-daemon@", "abuse@", "support@", "help@", "helpdesk@", "admin@",
	"webmaster@", "hostmaster@", "mdaemon@", "noc@", NULL,
};
/* On a line with these stands whom to mail instead. */
static const char *const ASIDES[] = {
	"contact", "instead", "new address", "write to", "please use", "please try",
	"forwarded to", "changed to", "has moved", "questions", NULL,
};
static const char *const DAEMONS[] = { "mailer-daemon", "mailer_daemon", "mdaemon", NULL };
/* Mail about bounces, by the same senders. */
static const char *const SUMMARIES[] = {
	"errors from", "log summar", "statistics", "Postmaster Copy", "daily report",
	"weekly report", "digest", "daily ", "weekly ", "monthly ", "summary", "pending",
	"last 24 hours", "last day", "last week", "viruses detected", NULL,
};
/* clang-format on */

static bool is_helper(struct slice address)
{
	for (size_t i = 0; HELPERS[i]; i++) {
		if (slice_starts_with_nocase(address, slice_from_cstr(HELPERS[i])))
			return true;
	}
	return false;
}

/* Whether the address is one of the report's own. */
static bool is_own(const struct message *message, struct slice address)
{
	static const char *const names[] = { "To",          "From",         "Reply-To", "Sender",
					     "Return-Path", "Delivered-To", NULL };

	for (size_t i = 0; names[i]; i++) {
		if (slice_find_nocase(header_value(&message->headers, names[i]), address) >= 0)
			return true;
	}
	return false;
}

/* How sure the place on this line is: 0 no recipient, 3 a label or the address alone. */
static int place_of(struct slice line, struct slice address)
{
	struct slice words = slice_trim(line), after, whole;

	if (text_line_starts(words, LABELS, &after) && text_find_address(after, &whole))
		return 3;
	if (slice_ends_with(words, SLICE(":")))
		words = slice_head(words, words.len - 1);
	if (text_whole_address(words, &whole))
		return 3;
	/* "*** a@b.example", "-> a@b.example", "'a@b.example (host: …)'" */
	while (!slice_empty(words) && slice_find_byte(SLICE("*->' \t"), words.ptr[0]) >= 0)
		words = slice_skip(words, 1);
	if (slice_starts_with(words, address) || slice_starts_with(words, SLICE("<")))
		return 2;
	return text_has(words, SAYINGS) || text_has(words, FAULTS) ||
			       !slice_empty(text_reply_find(words).code)
		       ? 1
		       : 0;
}

/* The paragraph around `at`. */
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

struct place {
	struct slice address;
	const char *line;
};

static bool has_place(const struct place *places, size_t count, struct slice address)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_equal_nocase(places[i].address, address))
			return true;
	}
	return false;
}

/* The places that are as sure as the surest, and at least so sure as `least`; their number,
 * RECIPIENTS_MAX + 1 when too many. */
static size_t find_places(const struct message *message, struct slice text, int least,
			  struct place *places)
{
	struct slice rest = text, line, address;
	size_t count = 0;
	int best = least;

	while (slice_next_line(&rest, &line)) {
		if (slice_starts_with(line, SLICE(">")) || !text_find_address(line, &address) ||
		    is_own(message, address) || text_has(line, ASIDES))
			continue;
		int place = place_of(line, address);
		if (place < 3 && is_helper(address))
			continue;
		if (place > best)
			count = 0;
		if (place < best)
			continue;
		best = place;
		if (count <= RECIPIENTS_MAX && !has_place(places, count, address))
			places[count++] = (struct place){ address, line.ptr };
	}
	return count;
}

/* The code of the reply that says most: "Status code: 550 5.1.10" may stand above the reply itself.
 * Empty where none is quoted. */
static struct slice wordiest_reply(struct slice text)
{
	struct slice rest = text, line, code = SLICE_NONE;
	size_t most = 0;

	while (slice_next_line(&rest, &line)) {
		struct text_reply reply = text_reply_find(line);
		if (slice_empty(reply.code))
			continue;
		size_t words = (size_t)(line.ptr + line.len - reply.code.ptr);
		if (words > most) {
			most = words;
			code = reply.code;
		}
	}
	return slice_empty(code) ? text_reply_find(text).code : code;
}

/* What is said about the recipient at place i: a quoted reply with its paragraph; where there is
 * but one recipient the whole notice; else his line and those up to the next recipient. */
static struct slice words_about(struct slice text, const struct place *places, size_t count,
				size_t i)
{
	const char *end = text.ptr + text.len;

	if (count == 1) {
		struct slice code = wordiest_reply(text);
		return slice_empty(code) ? slice_head(slice_trim(text), WORDS_MAX)
					 : paragraph_at(text, code.ptr);
	}
	if (i + 1 < count)
		end = places[i + 1].line;
	return slice_head(slice_from(places[i].line, (size_t)(end - places[i].line)), WORDS_MAX);
}

static bool speaks_of_failure(const struct message *message, struct slice text)
{
	struct slice subject = header_value(&message->headers, "Subject");
	struct slice rest = text, line, address;

	if (text_has(subject, FAILURES) || text_has(text, FAILURES) || text_has(text, DELAYS))
		return true;
	if (text_find_address(subject, &address) && text_has(subject, FAULTS))
		return true;
	while (slice_next_line(&rest, &line)) {
		if (text_has(line, FAULTS) && text_find_address(line, &address))
			return true;
	}
	return false;
}

static void read_places(const struct message *message, struct reading *reading, struct slice text)
{
	struct place places[RECIPIENTS_MAX + 1];
	struct slice address, subject = header_value(&message->headers, "Subject");
	size_t count = find_places(message, text, 1, places);

	/* a notice in a language that is not known here, with a reply in one that is */
	if (count == 0 && !slice_empty(text_reply_find(text).code)) {
		count = find_places(message, text, 0, places);
		count = count == 1 ? 1 : 0;
	}
	if (count > RECIPIENTS_MAX)
		return;
	for (size_t i = 0; i < count; i++)
		text_add(message, reading, places[i].address, words_about(text, places, count, i));
	if (count == 0 && text_find_address(subject, &address) && !is_own(message, address))
		text_add(message, reading, address, slice_head(slice_trim(text), WORDS_MAX));
}

/* Somebody's own return path: a bounce has none, or that of a mail system. */
static bool has_path(const struct message *message)
{
	const struct header *path = header_find(&message->headers, "Return-Path", 0);
	struct slice address;

	return path && !text_header_has(message, "From", DAEMONS) &&
	       text_find_address(path->value, &address) && !text_has(address, DAEMONS);
}

static void generic_read(const struct message *message, struct reading *reading)
{
	/* lists carry mail about bounces, too */
	if (!text_named_daemon(message) || header_find(&message->headers, "List-Id", 0) ||
	    header_find(&message->headers, "List-Post", 0) ||
	    text_header_has(message, "Subject", SUMMARIES) || has_path(message))
		return;
	struct slice text = text_split(slice_head(message->text, 2 * TEXT_BANNER_BYTES), RETURNED,
				       &reading->returned);
	if (!speaks_of_failure(message, text))
		return;
	reading->kind = text_has(text, DELAYS) ? REPORT_DELAY : REPORT_BOUNCE;
	read_places(message, reading, text);
	if (reading->recipient_count > 0)
		reading->score = READER_GENERIC_SCORE;
}

const struct reader reader_generic = { "generic", generic_read };
