/* SPDX-License-Identifier: Apache-2.0 */
/* m-FILTER, Japan: sections headed by dashes. The banner says: sending to the following addresses
 * failed. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice mfilter = {
	.banner = WORDS("以下のメールアドレスへの送信に失敗しました"),
	.list = WORDS("以下のメールアドレスへの送信に失敗しました"),
	.reason = WORDS("-------server message"),
	.stop = WORDS("-------SMTP command"),
	.returned = WORDS("original m"),
	.form = TEXT_ALONE,
	.score = 66,
};

/* The step that was refused stands in a section of its own. */
static struct slice command_of(struct slice text)
{
	static const char *const steps[] = { "RCPT", "MAIL", "DATA", "HELO", NULL };
	struct slice said = slice_trim(text_after(text, "-------SMTP command"));
	const char *step = text_has(slice_head(said, 4), steps);

	if (slice_starts_with_nocase(said, SLICE("EHLO")))
		step = "HELO";
	return step ? slice_from_cstr(step) : SLICE_NONE;
}

static void mfilter_read(const struct message *message, struct reading *reading)
{
	struct slice text;

	if (!notice_read(&mfilter, message, reading, &text))
		return;
	for (size_t i = 0; i < reading->recipient_count; i++)
		reading->recipients[i].command = command_of(text);
}

const struct reader reader_mfilter = { "mfilter", mfilter_read };
