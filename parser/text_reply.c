/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/limits.h"
#include "core/status.h"
#include "core/utf8.h"
#include "parser/text.h"

/* "4yz" or "5yz", not a piece of a longer word or number. */
static bool is_code_at(struct slice text, size_t at)
{
	const char *p = text.ptr + at;

	if (text.len - at < 3 || (p[0] != '4' && p[0] != '5') || p[1] < '0' || p[1] > '7' ||
	    !ascii_is_digit(p[2]))
		return false;
	if (at > 0 && (ascii_is_alnum(p[-1]) || p[-1] == '_'))
		return false;
	/* "5.1.1" and "192.0.2.550" are none, "..550" of an ellipsis is */
	if (at > 1 && p[-1] == '.' && ascii_is_alnum(p[-2]))
		return false;
	if (text.len - at == 3)
		return true;
	if (p[3] == '.' && text.len - at > 4 && ascii_is_alnum(p[4]))
		return false;
	return !ascii_is_alnum(p[3]) && p[3] != '_' && p[3] != '/' && p[3] != '@';
}

/* Whether the text before `at` announces a reply there. */
static bool is_announced(struct slice text, size_t at)
{
	static const char *const words[] = { "said",       "code",     "error",   "reply",
					     "response",   "returned", "replied", "answered",
					     "because of", NULL };
	struct slice before = slice_trim_right(slice_head(text, at));

	if (slice_empty(before))
		return true;
	/* the beginning of a line */
	for (size_t i = before.len; i < at; i++) {
		if (text.ptr[i] == '\n')
			return true;
	}
	char last = before.ptr[before.len - 1];
	if (slice_find_byte(SLICE(":;,('\"[<>=#"), last) >= 0 ||
	    slice_ends_with(before, SLICE("...")))
		return true;
	for (size_t i = 0; words[i]; i++) {
		if (slice_ends_with_nocase(before, slice_from_cstr(words[i])))
			return true;
	}
	return false;
}

/* The status that follows a reply code: "550 5.1.1", "550-5.1.1", "550 #5.1.1", "550: 5.1.1",
 * "550-'5.1.1". */
static struct slice status_behind(struct slice text)
{
	struct slice code;
	size_t skipped = 0;

	while (skipped < 4 && skipped < text.len &&
	       slice_find_byte(SLICE(" -#:('\t"), text.ptr[skipped]) >= 0)
		skipped++;
	return status_parse_prefix(slice_skip(text, skipped), &code) ? code : SLICE_NONE;
}

struct text_reply text_reply_find(struct slice text)
{
	struct text_reply reply = { SLICE_NONE, SLICE_NONE };

	for (size_t at = 0; at + 3 <= text.len; at++) {
		if (!is_code_at(text, at))
			continue;
		struct slice status = status_behind(slice_skip(text, at + 3));
		if (!slice_empty(status) && status.ptr[0] != '2')
			return (struct text_reply){ slice_from(text.ptr + at, 3), status };
		if (slice_empty(reply.code) && is_announced(text, at))
			reply.code = slice_from(text.ptr + at, 3);
	}
	reply.status = status_find(text);
	/* a success class says nothing about why it failed */
	if (!slice_empty(reply.status) && reply.status.ptr[0] == '2')
		reply.status = SLICE_NONE;
	return reply;
}

/* The length of "550-5.1.1 ", "550 5.1.1 " or "550-" at the head of text; 0 where there is none. */
static size_t reply_head(struct slice text)
{
	struct slice status = SLICE_NONE;

	if (!is_code_at(text, 0) || text.len < 4 || (text.ptr[3] != '-' && text.ptr[3] != ' '))
		return 0;
	if (status_parse_prefix(slice_skip(text, 4), &status))
		return 4 + status.len;
	return text.ptr[3] == '-' ? 4 : 3;
}

/* Whether text begins, for `len` bytes, another line of the reply that head announced: with the
 * same status, or where head has none, with the same code. */
static bool repeats_head(struct slice head, struct slice text, size_t len)
{
	if (slice_empty(head) || len == 0 || memcmp(head.ptr, text.ptr, 3) != 0)
		return false;
	if (head.len == 4)
		return len <= 4;
	return len == head.len && memcmp(head.ptr + 4, text.ptr + 4, len - 4) == 0;
}

struct slice text_fold(struct arena *arena, struct slice text)
{
	text = slice_trim(slice_head(slice_trim(text), LIMIT_DIAGNOSTIC * 2));
	char *out = arena_bytes(arena, text.len + 1);
	size_t len = 0;
	struct slice head = SLICE_NONE; /* "550-5.1.1" or "550-" */

	for (size_t at = 0; at < text.len;) {
		bool starts = len == 0 || out[len - 1] == ' ';
		size_t head_len = starts ? reply_head(slice_skip(text, at)) : 0;
		if (ascii_is_space(text.ptr[at])) {
			if (!starts)
				out[len++] = ' ';
			at++;
		} else if (repeats_head(head, slice_skip(text, at), head_len)) {
			at += head_len;
		} else {
			if (head_len > 0 && text.ptr[at + 3] == '-' && slice_empty(head))
				head = slice_from(text.ptr + at, head_len);
			out[len++] = text.ptr[at++];
		}
	}
	while (len > 0 && out[len - 1] == ' ')
		len--;
	return utf8_truncate(slice_from(out, len), LIMIT_DIAGNOSTIC);
}

struct slice text_find_command(struct slice text)
{
	static const struct {
		const char *words;
		const char *command;
	} steps[] = {
		/* Postfix, Exim, OpenSMTPD, DragonFly, Sendmail and their like */
		{ "in reply to RCPT", "RCPT" },
		{ "in reply to MAIL", "MAIL" },
		{ "in reply to end of DATA", "DATA" },
		{ "in reply to DATA", "DATA" },
		{ "in reply to HELO", "HELO" },
		{ "in reply to EHLO", "HELO" },
		{ "refused to talk to me", "CONN" },
		{ "after RCPT TO", "RCPT" },
		{ "after MAIL FROM", "MAIL" },
		{ "after end of data", "DATA" },
		{ "after DATA", "DATA" },
		{ "after pipelined DATA", "DATA" },
		{ "after initial connection", "CONN" },
		{ "after HELO", "HELO" },
		{ "after EHLO", "HELO" },
		{ "like our RCPT TO", "RCPT" },
		{ "like our MAIL FROM", "MAIL" },
		{ "like our final DATA", "DATA" },
		{ "like our DATA", "DATA" },
		{ "like our connect", "CONN" },
		{ "like our HELO", "HELO" },
		{ "like our EHLO", "HELO" },
		{ "for RCPT command", "RCPT" },
		{ "for RCPT TO command", "RCPT" },
		{ "for MAIL FROM command", "MAIL" },
		{ "for GREETING command", "CONN" },
		{ "after RCPT command", "RCPT" },
		{ "for TEXT command", "DATA" },
		{ "following RCPT command", "RCPT" },
		{ "SMTP:RCPT host", "RCPT" },
		{ "sent: RCPT TO", "RCPT" },
		/* Icore, as NetEase and Sina run it */
		{ "SMTP error, RCPT TO", "RCPT" },
		{ "SMTP error, MAIL FROM", "MAIL" },
		{ "SMTP error, DOT", "DATA" },
		{ "SMTP error, DATA", "DATA" },
		{ "SMTP error, OPEN", "CONN" },
		/* qmail */
		{ "does not like recipient", "RCPT" },
		{ "sender was rejected", "MAIL" },
		{ "failed after I sent the message", "DATA" },
		{ "failed on DATA command", "DATA" },
		{ "most progress was RCPT TO", "RCPT" },
		{ "greeting failed", "CONN" },
		{ "my name was rejected", "HELO" },
		/* Stalwart */
		{ "rejected command 'RCPT", "RCPT" },
		{ "rejected command 'MAIL", "MAIL" },
		{ "rejected command 'DATA", "DATA" },
		{ "rejected command 'BDAT", "DATA" },
		{ "rejected command 'EHLO", "HELO" },
		/* Yahoo */
		{ "[RCPT_TO]", "RCPT" },
		{ "[MAIL_FROM]", "MAIL" },
		/* a transcript; the last command that it names was the refused one */
		{ ">>> DATA", "DATA" },
		{ ">>> RCPT", "RCPT" },
		{ ">>> MAIL", "MAIL" },
		{ ">>> HELO", "HELO" },
		{ ">>> EHLO", "HELO" },
	};

	struct trigrams trigrams = { { 0 } };
	trigrams_add(&trigrams, text);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (!trigrams_may_have(&trigrams, steps[i].words))
			continue;
		if (slice_find_nocase(text, slice_from_cstr(steps[i].words)) >= 0)
			return slice_from_cstr(steps[i].command);
	}
	return SLICE_NONE;
}

struct slice text_name_after(struct slice text, const char *words)
{
	struct slice name = text_after(text, words);
	size_t len = 0;

	while (len < name.len && !ascii_is_space(name.ptr[len]))
		len++;
	while (len > 0 && (name.ptr[len - 1] == '.' || name.ptr[len - 1] == ':'))
		len--;
	return slice_head(name, len);
}

void text_diagnose(struct arena *arena, struct slice words, struct report_recipient *recipient)
{
	static const char *const types[] = { "smtp;", "x-postfix;", "x-unix;", NULL };
	struct slice said = slice_trim(slice_head(words, 2 * LIMIT_DIAGNOSTIC));

	for (size_t i = 0; types[i]; i++) {
		if (slice_starts_with_nocase(said, slice_from_cstr(types[i])))
			said = slice_trim(slice_skip(said, strlen(types[i])));
	}
	if (slice_empty(said))
		return;
	struct text_reply reply = text_reply_find(said);
	if (slice_empty(recipient->status))
		recipient->status = reply.status;
	if (slice_empty(recipient->reply_code))
		recipient->reply_code = reply.code;
	if (slice_empty(recipient->remote_mta))
		recipient->remote_mta = text_find_host(said);
	if (slice_empty(recipient->diagnostic))
		recipient->diagnostic = text_fold(arena, said);
	/* folded, because the words may be wrapped anywhere */
	if (slice_empty(recipient->command))
		recipient->command = text_find_command(recipient->diagnostic);
}

static enum report_action action_of(enum report_kind kind)
{
	if (kind == REPORT_DELAY)
		return ACTION_DELAYED;
	return kind == REPORT_DELIVERED ? ACTION_DELIVERED : ACTION_FAILED;
}

struct report_recipient *text_add(const struct message *message, struct reading *reading,
				  struct slice address, struct slice words)
{
	struct report_recipient *recipient = NULL;

	for (size_t i = 0; i < reading->recipient_count && !recipient; i++) {
		if (slice_equal_nocase(reading->recipients[i].address, address))
			recipient = &reading->recipients[i];
	}
	if (!recipient) {
		recipient = reading_add(message, reading);
		if (!recipient)
			return NULL;
		recipient->address = address;
		recipient->action = action_of(reading->kind);
	}
	text_diagnose(message->arena, words, recipient);
	return recipient;
}

/* The one address that the header names; false where it names none or several. */
static bool one_address(const struct header_block *block, const char *name,
			struct slice *ret_address)
{
	struct slice value = header_value(block, name), second;

	if (!text_find_address(value, ret_address))
		return false;
	struct slice rest =
		slice_skip(value, (size_t)(ret_address->ptr - value.ptr) + ret_address->len);
	return !text_find_address(rest, &second) || slice_equal_nocase(*ret_address, second);
}

bool text_add_returned(const struct message *message, struct reading *reading, struct slice words)
{
	static const char *const names[] = { "X-Failed-Recipients", "Delivered-To", "Envelope-To",
					     "To", NULL };
	struct header_block block = { NULL, 0 };
	struct slice address, returned = reading->returned;
	const struct part *part = message_part(message, PART_MESSAGE);

	if (one_address(&message->headers, names[0], &address))
		return text_add(message, reading, address, words) != NULL;
	if (slice_empty(returned) && !part)
		part = message_part(message, PART_HEADERS);
	if (slice_empty(returned) && part)
		returned = part->body;
	header_block_read(returned, message->arena, &block);
	for (size_t i = 0; names[i]; i++) {
		if (one_address(&block, names[i], &address))
			return text_add(message, reading, address, words) != NULL;
	}
	return false;
}
