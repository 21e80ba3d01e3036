/* SPDX-License-Identifier: Apache-2.0 */
/* au (KDDI) mobile: sentences in Japanese, one in English that says why, then the addresses; or a
 * transcript below "Recipient:". */
#include "parser/notice.h"
#include "parser/readers.h"

static const char *const SENDERS[] = { "ezweb.ne.jp", "au.com", "auone.jp", NULL };

static const struct notice transcripts = {
	.from = SENDERS,
	.banner = WORDS("rejected by a remote", "Recipient: <"),
	.list = WORDS("Recipient:"),
	.form = TEXT_ANGLE,
	.score = 64,
};

static const struct notice sentences = {
	.from = SENDERS,
	.banner = WORDS("The user(s) ", "Your message was", "The following recipients",
			"did not receive this message"),
	.form = TEXT_ANGLE | TEXT_BLANK_ENDS,
	.reason_above = true,
	.score = 64,
};

/* line and those behind it, up to an empty one. */
static struct slice paragraph_from(struct slice line, struct slice rest)
{
	const char *end = line.ptr + line.len;

	for (struct slice next; slice_next_line(&rest, &next) && !slice_empty(slice_trim(next));)
		end = next.ptr + next.len;
	return slice_from(line.ptr, (size_t)(end - line.ptr));
}

/* "The user(s) account is disabled." says more than the refused step behind the address. */
static void read_sentence(const struct message *message, struct slice text,
			  struct report_recipient *recipient)
{
	struct slice rest = text, line;

	while (slice_next_line(&rest, &line)) {
		if (!slice_starts_with(slice_trim(line), SLICE("The user(s) ")) &&
		    !slice_starts_with(slice_trim(line), SLICE("Your message was not delivered")))
			continue;
		line = paragraph_from(line, rest);
		recipient->diagnostic =
			slice_empty(recipient->diagnostic)
				? text_fold(message->arena, line)
				: arena_printf(message->arena, "%.*s %.*s",
					       SLICE_ARG(text_fold(message->arena, line)),
					       SLICE_ARG(recipient->diagnostic));
		return;
	}
}

static void ezweb_read(const struct message *message, struct reading *reading)
{
	struct slice text;

	if (notice_read(&transcripts, message, reading, &text) ||
	    !notice_read(&sentences, message, reading, &text))
		return;
	for (size_t i = 0; i < reading->recipient_count; i++) {
		struct report_recipient *recipient = &reading->recipients[i];
		if (slice_find(recipient->diagnostic, SLICE("The user(s) ")) < 0)
			read_sentence(message, text, recipient);
	}
}

const struct reader reader_ezweb = { "ezweb", ezweb_read };
