/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sendmail 5 and its heirs: no list of addresses, only the transcript and then the unsent message.
 * Who failed stands in the verdicts, in the last RCPT before a refusal, or in the message's own To.
 */
#include "parser/notice.h"
#include "parser/readers.h"
#include "parser/readers/sendmail.h"
#include "parser/readers/transcript.h"

static const char *const SECTIONS[] = { "Transcript of session follows",
					"Transcript of the session follows", NULL };

/* What the other host said, and what sendmail made of it: some hosts say too little. */
static struct slice words_of(struct arena *arena, const struct verdict_line *line)
{
	if (slice_empty(line->reply))
		return line->words;
	return arena_printf(arena, "%.*s\n%.*s", SLICE_ARG(line->reply), SLICE_ARG(line->words));
}

static void read_verdicts(const struct message *message, struct reading *reading, struct slice text)
{
	struct transcript transcript;
	struct verdict_line line;

	transcript_init(&transcript, text, message->arena);
	while (transcript_next(&transcript, &line)) {
		if (slice_empty(line.address))
			continue;
		struct report_recipient *recipient =
			text_add(message, reading, line.address, words_of(message->arena, &line));
		if (!recipient || slice_empty(line.reply))
			continue;
		if (slice_empty(recipient->remote_mta))
			recipient->remote_mta = line.host;
		if (slice_empty(recipient->command))
			recipient->command = line.command;
	}
}

static void v5sendmail_read(const struct message *message, struct reading *reading)
{
	struct slice text, transcript;

	if (!text_from_daemon(message) || !text_has_banner(message, SECTIONS) ||
	    text_has_banner(message,
			    WORDS("The following addresses ha", "The following recipients ha")))
		return;
	text = text_split(message->text, SENDMAIL_RETURNED, &reading->returned);
	text_split(text, SECTIONS, &transcript);
	if (slice_empty(slice_trim(transcript)))
		return;
	reading->kind = text_has(text, WORDS("Will keep trying", "WARNING MESSAGE ONLY"))
				? REPORT_DELAY
				: REPORT_BOUNCE;
	read_verdicts(message, reading, transcript);
	if (reading->recipient_count == 0 && !text_add_returned(message, reading, transcript))
		return;
	reading->score = 57;
}

const struct reader reader_v5sendmail = { "v5sendmail", v5sendmail_read };
