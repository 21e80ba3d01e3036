/* SPDX-License-Identifier: Apache-2.0 */
/* Yahoo: qmail's paragraphs, or an HTML page that only repeats the original's To. */
#include "parser/notice.h"
#include "parser/readers.h"

static const char *const RETURNED[] = { "Below this line is a copy", "Forwarded message",
					"Original message", NULL };

static const struct notice paragraphs = {
	.banner = WORDS("we were unable to deliver your message to the following address",
			"Sorry, we were unable to deliver your message"),
	.returned = RETURNED,
	.form = TEXT_ANGLE | TEXT_COLON | TEXT_SAME_INDENT | TEXT_BLANK_ENDS,
	.score = 63,
};

static const struct notice page = {
	.banner = WORDS("wasn't able to deliver the following message"),
	.returned = RETURNED,
	.list = WORDS("To:"),
	.form = TEXT_BLANK_ENDS,
	.score = 63,
};

static void yahoo_read(const struct message *message, struct reading *reading)
{
	if (!notice_read(&paragraphs, message, reading, NULL))
		notice_read(&page, message, reading, NULL);
}

const struct reader reader_yahoo = { "yahoo", yahoo_read };
