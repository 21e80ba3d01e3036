/* SPDX-License-Identifier: Apache-2.0 */
/* AOL: members named without their domain, refused by their own settings. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice aol = {
	.from = WORDS("aol.com"),
	.banner = WORDS("Your mail to the following recipients could not be delivered"),
	.list = WORDS("because they are not accepting mail", "could not be delivered because"),
	.form = TEXT_ALONE | TEXT_LOCAL,
	.score = 62,
};

static void aol_read(const struct message *message, struct reading *reading)
{
	struct slice text;

	if (!notice_read(&aol, message, reading, &text))
		return;
	for (size_t i = 0; i < reading->recipient_count; i++) {
		struct report_recipient *recipient = &reading->recipients[i];
		recipient->address = text_complete(message, recipient->address);
		text_diagnose(message->arena, text, recipient);
	}
}

const struct reader reader_aol = { "aol", aol_read };
