/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/readers/transcript.h"

#include "core/limits.h"
#include "parser/text.h"

void transcript_init(struct transcript *transcript, struct slice text, struct arena *arena)
{
	*transcript = (struct transcript){
		.arena = arena, .rest = text, .host = SLICE_NONE, .command = SLICE_NONE
	};
}

static bool is_arrow(struct slice line, const char *arrow)
{
	return slice_starts_with(line, slice_from_cstr(arrow));
}

static struct slice command_of(struct slice line)
{
	static const char *const words[] = { "RCPT", "MAIL", "DATA", "HELO", "EHLO", NULL };
	const char *word = text_has(slice_head(line, 16), words);

	if (!word)
		return SLICE_NONE;
	return slice_from_cstr(word[0] == 'E' ? "HELO" : word);
}

/* "550 5.1.1 <a@b>... User unknown", "<a@b>... Deferred: …" */
static bool is_verdict(struct slice line)
{
	if (line.len > 4 && (line.ptr[0] == '4' || line.ptr[0] == '5') &&
	    ascii_is_digit(line.ptr[1]) && ascii_is_digit(line.ptr[2]) && line.ptr[3] == ' ')
		return true;
	return slice_find(line, SLICE("... ")) > 0 && slice_find_byte(line, '@') > 0;
}

/* "<<< 550 no" added to the reply so far */
static struct slice add_reply(struct transcript *transcript, struct slice reply, struct slice line)
{
	struct slice words = slice_trim(slice_skip(line, 3));

	if (slice_empty(reply))
		return words;
	if (reply.len > LIMIT_DIAGNOSTIC)
		return reply;
	return arena_printf(transcript->arena, "%.*s\n%.*s", SLICE_ARG(reply), SLICE_ARG(words));
}

/* What a local delivery program printed, up to Sendmail's verdict on it, which says less:
 * "mail.local: /var/mail/a: Disc quota exceeded", "554 5.3.0 unknown mailer error 1". */
static struct slice with_output(struct slice output, struct slice verdict)
{
	static const char *const verdicts[] = { "mailer error", "Can't create output", NULL };

	if (slice_empty(output) || !text_has(verdict, verdicts))
		return verdict;
	return slice_from(output.ptr, (size_t)(verdict.ptr + verdict.len - output.ptr));
}

bool transcript_next(struct transcript *transcript, struct verdict_line *ret_line)
{
	struct slice reply = SLICE_NONE, output = SLICE_NONE, line;

	while (slice_next_line(&transcript->rest, &line)) {
		line = slice_trim(line);
		if (slice_find_nocase(line, SLICE("while talking to ")) >= 0) {
			transcript->host = text_name_after(line, "while talking to ");
			reply = SLICE_NONE;
		} else if (is_arrow(line, ">>>")) {
			transcript->command = command_of(slice_skip(line, 3));
			reply = SLICE_NONE;
		} else if (is_arrow(line, "<<<")) {
			reply = add_reply(transcript, reply, line);
		} else if (is_verdict(line)) {
			*ret_line = (struct verdict_line){ .words = with_output(output, line),
							   .reply = reply,
							   .host = transcript->host,
							   .command = transcript->command };
			if (!text_find_address(line, &ret_line->address))
				ret_line->address = SLICE_NONE;
			return true;
		} else if (slice_empty(output)) {
			output = line;
		}
	}
	return false;
}
