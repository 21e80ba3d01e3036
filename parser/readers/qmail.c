/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qmail and its many relatives: a paragraph a recipient, "<address>:" on a line of its own and what
 * happened below it; the returned message behind a line of dashes. An empty line within what
 * happened is written as "/", so a paragraph is all of it.
 */
#include "parser/notice.h"
#include "parser/readers.h"

static const char *const BANNERS[] = { "Hi. This is the ",
				       "Hi. The MTA program at",
				       "This is the qmail",
				       "This is the deliver program at",
				       "This is the machine generated message from mail service",
				       "I wasn't able to deliver your message",
				       "Su mensaje no pudo ser entregado",
				       "Your message could not be delivered",
				       "Your message to the following address",
				       "We're sorry. There's a problem with the e-mail address",
				       "Check your send e-mail address",
				       "Unable to deliver your mail to the following",
				       NULL };
static const char *const RETURNED[] = { "Below this line is a copy",
					"Below the next line is a copy",
					"Enclosed is a copy of the message",
					"Enclosed are the original headers",
					"Attachment is a copy of the message",
					"Mensaje original adjunto",
					"Undelivered message follows",
					"Original message follows",
					"Included is a copy",
					NULL };

/* Of the patches that warn while the message still waits. */
static const char *const DELAYS[] = { "has not yet been delivered", "I will keep trying",
				      "delivery of your message has been delayed",
				      "THIS IS A WARNING ONLY", NULL };

/* Without the brackets the form is common, so the greeting must be qmail's. */
static const char *const GREETINGS[] = { "Hi. This is the ", "This is the deliver program at",
					 "I'm afraid I wasn't able to deliver your message", NULL };

/* Relatives that leave the brackets and the colon away. */
static const struct notice bare = {
	.banner = GREETINGS,
	.returned = RETURNED,
	.delay = DELAYS,
	.form = TEXT_ALONE | TEXT_SAME_INDENT,
	.score = 55,
};

static const struct notice paragraphs = {
	.banner = BANNERS,
	.returned = RETURNED,
	.delay = DELAYS,
	.form = TEXT_ANGLE | TEXT_COLON | TEXT_SAME_INDENT | TEXT_BLANK_ENDS,
	.score = 61,
};

/* Greeting and marker in another language: what is left is the subject, which nobody translates. */
static const struct notice translated = {
	.subject = WORDS("failure notice"),
	.returned = WORDS("Return-Path:"),
	.delay = DELAYS,
	.form = TEXT_ANGLE | TEXT_COLON | TEXT_SAME_INDENT | TEXT_BLANK_ENDS,
	.score = 45,
};

static bool translated_read(const struct message *message, struct reading *reading,
			    struct slice *ret_text)
{
	if (!notice_read(&translated, message, reading, ret_text))
		return false;
	/* Return-Path is the first line of the returned message */
	reading->returned = slice_skip(message->text, ret_text->len);
	return true;
}

static void qmail_read(const struct message *message, struct reading *reading)
{
	struct slice text;

	if (!notice_read(&paragraphs, message, reading, &text) &&
	    !notice_read(&bare, message, reading, &text) &&
	    !translated_read(message, reading, &text))
		return;
	reading->reporting_mta = text_name_after(slice_head(text, 256), " program at ");
}

const struct reader reader_qmail = { "qmail", qmail_read };
