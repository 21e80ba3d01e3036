/* SPDX-License-Identifier: Apache-2.0 */
/* Apache James: "Error message below:", the reply, then "Message details:" with a row "RCPT TO:".
 */
#include "parser/notice.h"
#include "parser/readers.h"
#include "parser/readers/james.h"

/* Its multipart is often broken, so that no part of it is text: the whole body then. */
static struct slice text_of(const struct message *message)
{
	if (text_has_banner(message, WORDS("Error message below")))
		return message->text;
	return slice_head(text_after(message->raw, "\n\n"), TEXT_BANNER_BYTES);
}

bool james_notice_read(const struct message *message, struct reading *reading)
{
	struct slice text = text_of(message), address;
	struct slice error = text_after(text, "Error message below");
	struct slice details = text_after(error, "Message details");

	if (slice_empty(error) || !text_find_address(text_row(error, "RCPT TO:"), &address))
		return false;
	reading->kind = REPORT_BOUNCE;
	struct slice first = text_row(text, "Error:");
	struct slice words = slice_empty(details)
				     ? error
				     : slice_head(error, error.len - details.len -
								 sizeof("Message details") + 1);
	if (slice_starts_with(words, SLICE(":")))
		words = slice_skip(words, 1);
	/* the reply first, so that its code begins a line */
	text_add(message, reading, address,
		 slice_empty(first) ? words
				    : arena_printf(message->arena, "Error: %.*s\n%.*s",
						   SLICE_ARG(first), SLICE_ARG(slice_trim(words))));
	return true;
}

static const struct notice greeting = {
	.banner = WORDS("This is the James mail server"),
	.list = WORDS("failed recipient(s):"),
	.reason = WORDS("error message:"),
	.returned = WORDS("Original message"),
	.form = TEXT_ALONE,
	.score = 63,
};

static void apachejames_read(const struct message *message, struct reading *reading)
{
	if (!notice_read(&greeting, message, reading, NULL) && text_from_daemon(message) &&
	    james_notice_read(message, reading))
		reading->score = 60;
}

const struct reader reader_apachejames = { "apachejames", apachejames_read };
