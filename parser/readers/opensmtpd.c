/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSMTPD, the text of its notices: "address: what happened" on one line. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice opensmtpd = {
	.banner = WORDS("This is the MAILER-DAEMON, please DO NOT REPLY"),
	.list = WORDS("list of recipients:", "following recipients:", "to these recipients"),
	.returned = WORDS("Below is a copy of the original message"),
	.stop = WORDS("Please note that this is only a temporary"),
	.delay = WORDS("A message is delayed for more than"),
	.form = TEXT_COLON | TEXT_SAME_INDENT | TEXT_BLANK_ENDS,
	.score = 70,
};

static enum report_action success_of(struct slice text)
{
	if (text_has(text, WORDS("successfully delivered to these recipients")))
		return ACTION_DELIVERED;
	return text_has(text, WORDS("relayed to these recipients")) ? ACTION_RELAYED : ACTION_NONE;
}

static void opensmtpd_read(const struct message *message, struct reading *reading)
{
	struct slice text;

	if (!notice_read(&opensmtpd, message, reading, &text))
		return;
	enum report_action action = success_of(text);
	if (action == ACTION_NONE)
		return;
	reading->kind = REPORT_DELIVERED;
	for (size_t i = 0; i < reading->recipient_count; i++)
		reading->recipients[i].action = action;
}

const struct reader reader_opensmtpd = { "opensmtpd", opensmtpd_read };
