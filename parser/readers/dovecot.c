/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dovecot's delivery agent: a mail it could not store is "automatically rejected" in the form of a
 * receipt (RFC 8098, disposition "deleted"). It is a bounce, so it must win over the receipt.
 */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice dovecot = {
	.banner = WORDS("was automatically rejected:"),
	.list = WORDS("Your message to"),
	.returned = WORDS("Original message"),
	.form = TEXT_ANGLE,
	.score = 88,
};

/* "<user@example.com> was automatically rejected:" stands in front of the reason */
static void dovecot_read(const struct message *message, struct reading *reading)
{
	struct slice text;

	if (!notice_read(&dovecot, message, reading, &text))
		return;
	struct report_recipient *recipient = &reading->recipients[0];
	recipient->diagnostic = SLICE_NONE;
	text_diagnose(message->arena, text_after(text, "was automatically rejected:"), recipient);
}

const struct reader reader_dovecot = { "dovecot", dovecot_read };
