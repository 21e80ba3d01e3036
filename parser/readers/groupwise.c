/* SPDX-License-Identifier: Apache-2.0 */
/* Novell GroupWise: recipients, with or without a domain, and what happened in parentheses. */
#include "parser/notice.h"
#include "parser/readers.h"

static const char *const BANNERS[] = {
	"The message that you sent was undeliverable to the following", NULL
};

static const struct notice groupwise = {
	.banner = BANNERS,
	.list = BANNERS,
	.returned = WORDS("Original message", "Possibly truncated original message"),
	.form = TEXT_LOCAL | TEXT_SAME_INDENT | TEXT_BLANK_ENDS,
	.score = 62,
};

static void groupwise_read(const struct message *message, struct reading *reading)
{
	if (!notice_read(&groupwise, message, reading, NULL))
		return;
	for (size_t i = 0; i < reading->recipient_count; i++)
		reading->recipients[i].address =
			text_complete(message, reading->recipients[i].address);
}

const struct reader reader_groupwise = { "groupwise", groupwise_read };
