/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/verdict.h"

#include "parser/text.h"

static bool is_host_char(char c)
{
	return ascii_is_alnum(c) || c == '.' || c == '-' || c == '_';
}

/* The host that a diagnostic names before an address literal, as most mail systems write it:
 * "host mx.example.com[192.0.2.1] said: …". */
static struct slice host_in_text(struct slice text)
{
	for (size_t at = 1; at + 1 < text.len; at++) {
		if (text.ptr[at] != '[' || !ascii_is_alnum(text.ptr[at + 1]))
			continue;
		size_t end = text.ptr[at - 1] == ' ' ? at - 1 : at;
		size_t start = end;
		bool letter = false, dot = false;

		while (start > 0 && is_host_char(text.ptr[start - 1])) {
			letter |= ascii_is_alpha(text.ptr[start - 1]);
			dot |= text.ptr[start - 1] == '.';
			start--;
		}
		if (letter && dot)
			return slice_head(slice_skip(text, start), end - start);
	}
	return SLICE_NONE;
}

static struct slice domain_of(struct slice address)
{
	ptrdiff_t at = slice_rfind_byte(address, '@');

	return at < 0 ? SLICE_NONE : slice_skip(address, (size_t)at + 1);
}

static bool begins_with(struct slice text, char digit)
{
	return text.len > 0 && text.ptr[0] == digit;
}

/* What the report as a whole, or the action of the recipient, makes of it; REASON_NONE where the
 * rules shall say. */
static enum reason reason_of_kind(enum report_kind kind, enum report_action action)
{
	if (kind == REPORT_COMPLAINT)
		return REASON_FEEDBACK;
	if (kind == REPORT_AUTOREPLY)
		return REASON_VACATION;
	if (kind == REPORT_DELIVERED || action == ACTION_DELIVERED || action == ACTION_RELAYED ||
	    action == ACTION_EXPANDED)
		return REASON_DELIVERED;
	return REASON_NONE;
}

/* `filtered` is what is left of words that nothing backs: an unknown user, or somebody's filter. A
 * status that says something about the mailbox has said which. */
static bool leaves_open(enum reason reason, struct slice status)
{
	bool vague = slice_empty(status) || slice_ends_with(status, SLICE(".0.0"));

	return vague && (reason == REASON_NONE || reason == REASON_FILTERED);
}

static void classify(const struct rules *rules, struct slice agent, bool delayed,
		     struct report_recipient *recipient)
{
	struct slice address =
		slice_empty(recipient->address) ? recipient->original : recipient->address;
	struct reply reply = {
		.status = recipient->status,
		.reply_code = recipient->reply_code,
		.remote_host = slice_empty(recipient->remote_mta)
				       ? host_in_text(recipient->diagnostic)
				       : recipient->remote_mta,
		.text = recipient->diagnostic,
		.agent = agent,
		.domain = domain_of(address),
		.command = slice_empty(recipient->command)
				   ? text_find_command(recipient->diagnostic)
				   : recipient->command,
	};
	struct classification verdict = rules_classify(rules, &reply);

	recipient->reason = verdict.reason;
	recipient->rule = verdict.rule;
	recipient->matched = verdict.matched;
	if (recipient->category != REASON_NONE && leaves_open(verdict.reason, reply.status)) {
		recipient->reason = recipient->category;
		recipient->rule = SLICE("reader/rfc3464/category");
		recipient->matched = SLICE_NONE;
		return;
	}
	if (verdict.reason != REASON_NONE)
		return;
	if (delayed)
		recipient->reason = REASON_EXPIRED;
	else if (slice_empty(reply.status) && slice_empty(reply.reply_code) &&
		 slice_empty(reply.text))
		recipient->reason = REASON_UNDEFINED;
	else
		recipient->reason = REASON_ONHOLD;
}

void verdict_recipient(const struct rules *rules, struct slice agent, enum report_kind kind,
		       struct report_recipient *recipient)
{
	bool delayed = kind == REPORT_DELAY || recipient->action == ACTION_DELAYED;

	if (recipient->reason == REASON_NONE)
		recipient->reason = reason_of_kind(kind, recipient->action);
	if (recipient->reason == REASON_NONE && kind != REPORT_BOUNCE && kind != REPORT_DELAY)
		return;
	if (recipient->reason == REASON_NONE)
		classify(rules, agent, delayed, recipient);
	/* Who does not say "try later" has said no: a report without any code is final. */
	bool permanent = slice_empty(recipient->reply_code)
				 ? !begins_with(recipient->status, '4')
				 : begins_with(recipient->reply_code, '5');

	recipient->severity = reason_severity(recipient->reason, permanent);
	/* What is still being tried has not failed yet. */
	if (delayed && recipient->severity == SEVERITY_HARD)
		recipient->severity = SEVERITY_SOFT;
	recipient->class_ = reason_class(recipient->reason);
}
