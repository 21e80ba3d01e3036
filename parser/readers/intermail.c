/* SPDX-License-Identifier: Apache-2.0 */
/* Openwave InterMail and Netscape Messaging Server: the reason in prose, then the recipients. */
#include "parser/notice.h"
#include "parser/readers.h"

static const char *const BANNERS[] = { "This Message was undeliverable due to the following reason",
				       "The following recipients did not receive", NULL };

static const struct notice listed = {
	.banner = BANNERS,
	.reason = WORDS("due to the following reason", "Reason:"),
	.list = WORDS("did not receive your message", "did not receive this message", "Recipient:"),
	.stop = WORDS("Please reply to"),
	.form = TEXT_ANGLE | TEXT_ALONE,
	.score = 61,
};

/* "The user(s) account is disabled.", and below it only the address */
static const struct notice bare = {
	.banner = BANNERS,
	.reason = WORDS("due to the following reason"),
	.stop = WORDS("Please reply to"),
	.form = TEXT_ANGLE | TEXT_ALONE,
	.reason_only = true,
	.score = 61,
};

static void intermail_read(const struct message *message, struct reading *reading)
{
	if (!notice_read(&listed, message, reading, NULL))
		notice_read(&bare, message, reading, NULL);
}

const struct reader reader_intermail = { "intermail", intermail_read };
