/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qmail and its many relatives: a paragraph a recipient, "<address>:" on a line of its own and what
 * happened below it; the returned message behind a line of dashes. An empty line within what
 * happened is written as "/", so a paragraph is all of it.
 */
#include "parser/notice.h"
#include "parser/readers.h"

static const char *const BANNERS[] = { "This is the qmail-send program",
				       "This is the deliver program at",
				       "This is the qmail",
				       "I'm afraid I wasn't able to deliver your message",
				       "I wasn't able to deliver your message",
				       "Su mensaje no pudo ser entregado",
				       "I tried to deliver a bounce message to this address",
				       "Unable to deliver your mail to the following",
				       NULL };
static const char *const RETURNED[] = { "Below this line is a copy",
					"Enclosed is a copy of the message",
					"Enclosed are the original headers",
					"Attachment is a copy of the message",
					"Mensaje original adjunto",
					"Undelivered message follows",
					"Original message follows",
					"Included is a copy",
					NULL };

/* Relatives that leave the brackets and the colon away. */
static const struct notice bare = {
	.banner = BANNERS,
	.returned = RETURNED,
	.form = TEXT_ALONE | TEXT_SAME_INDENT,
	.score = 55,
};

static const struct notice paragraphs = {
	.banner = BANNERS,
	.returned = RETURNED,
	.form = TEXT_ANGLE | TEXT_COLON | TEXT_SAME_INDENT | TEXT_BLANK_ENDS,
	.score = 60,
};

static void qmail_read(const struct message *message, struct reading *reading)
{
	struct slice text;

	if (!notice_read(&paragraphs, message, reading, &text) &&
	    !notice_read(&bare, message, reading, &text))
		return;
	reading->reporting_mta = text_name_after(slice_head(text, 256), " program at ");
}

const struct reader reader_qmail = { "qmail", qmail_read };
