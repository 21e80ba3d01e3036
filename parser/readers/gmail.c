/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gmail. Older notices list the recipients under "failed permanently:" and end with "(state 14)",
 * the step of the session; newer ones open with a headline in asterisks and say in one sentence
 * who.
 */
#include "parser/notice.h"
#include "parser/readers.h"

static const char *const RETURNED[] = { "Original message", "Message header follows", NULL };
/* The other side's own words, where Gmail quotes them; the last is shortest and comes last. */
static const char *const QUOTES[] = { "The error that the other server returned was:",
				      "The response from the remote server was:",
				      "The response was:", NULL };

static const struct notice classic = {
	.banner = WORDS("Delivery to the following recipient", "Delivery to the following address"),
	.from = WORDS("google", "gmail", "mail delivery"),
	.list = WORDS("Delivery to the following recipient", "Delivery to the following address"),
	.reason = WORDS("Technical details of permanent failure",
			"Technical details of temporary failure", "Technical details of"),
	.stop = WORDS("Message will be retried for"),
	.returned = RETURNED,
	.delay = WORDS("has been delayed", "Message will be retried",
		       "THIS IS A WARNING MESSAGE ONLY"),
	.form = TEXT_ALONE,
	.score = 61,
};

static const struct notice headline = {
	.banner = WORDS("** Address not found **", "** Delivery incomplete **",
			"** Message blocked **", "** Message not delivered **",
			"** Message too large **", "** Recipient inbox full **",
			"** Message rejected **"),
	.list = WORDS("Your message wasn't delivered to", "Your message couldn't be delivered to",
		      "There was a problem delivering your message to",
		      "There was a temporary problem delivering your message to",
		      "Your message to"),
	.reason = WORDS("The response from the remote server was:", "The response was:"),
	.returned = RETURNED,
	.delay = WORDS("** Delivery incomplete **", "Gmail will retry"),
	.score = 64,
};

/* "(state 14)": Gmail's number for the step that failed */
static struct slice command_of_state(struct slice text)
{
	struct slice state = text_name_after(text, "(state ");

	if (state.len < 2 || state.ptr[0] != '1' || !ascii_is_digit(state.ptr[1]))
		return SLICE_NONE;
	if (state.ptr[1] >= '5')
		return SLICE("DATA");
	return state.ptr[1] == '4' ? SLICE("RCPT") : SLICE_NONE;
}

/* Gmail's own sentences around the quoted reply only mislead whoever looks for its reason. */
static void read_quoted(const struct message *message, struct slice text,
			struct report_recipient *recipient)
{
	const char *words = text_has(text, QUOTES);
	struct slice said = words ? text_after(text, words) : SLICE_NONE;

	if (slice_empty(slice_trim(said)))
		return;
	recipient->diagnostic = SLICE_NONE;
	recipient->status = SLICE_NONE;
	recipient->reply_code = SLICE_NONE;
	text_diagnose(message->arena, said, recipient);
	if (slice_empty(recipient->remote_mta))
		recipient->remote_mta = text_find_host(text);
	if (slice_empty(recipient->command))
		recipient->command = command_of_state(said);
}

/*
 * The newer form in the language of the sender's account: the headline keeps its asterisks, the
 * subject stays English, and a header names the recipient.
 */
static void translated_read(const struct message *message, struct reading *reading)
{
	struct slice address, failed = header_value(&message->headers, "X-Failed-Recipients");

	if (!text_header_has(message, "From", WORDS("@googlemail.com")) ||
	    !text_has_banner(message, WORDS("** ")) || !text_find_address(failed, &address))
		return;
	struct slice text = text_split(message->text, RETURNED, &reading->returned);
	struct text_reply reply = text_reply_find(text);
	bool quoted = !slice_empty(reply.code);

	reading->kind = text_header_has(message, "Subject", WORDS("(Delay)")) ? REPORT_DELAY
									      : REPORT_BOUNCE;
	text_add(message, reading, address,
		 quoted ? slice_skip(text, (size_t)(reply.code.ptr - text.ptr)) : text);
	reading->score = 60;
}

static void gmail_read(const struct message *message, struct reading *reading)
{
	struct slice text;

	if (!notice_read(&classic, message, reading, &text) &&
	    !notice_read(&headline, message, reading, &text)) {
		translated_read(message, reading);
		return;
	}
	for (size_t i = 0; i < reading->recipient_count; i++)
		read_quoted(message, text, &reading->recipients[i]);
}

const struct reader reader_gmail = { "gmail", gmail_read };
