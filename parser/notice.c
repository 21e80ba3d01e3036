/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/notice.h"

#define DEFAULT_SCORE 60

enum section { SECTION_NONE, SECTION_LIST, SECTION_REASON };

/* The state of one walk over the lines of a notice. */
struct walk {
	const struct notice *notice;
	const struct message *message;
	struct reading *reading;
	enum section section;
	struct slice text;    /* of the section so far: from its first byte to the end */
	struct slice reasons; /* what the reason sections said so far */
	size_t pending;       /* recipients from this index on still lack a reason */
	bool reason_since_list;
};

bool notice_recognise(const struct notice *notice, const struct message *message)
{
	return (notice->any_sender || text_from_daemon(message)) &&
	       (!notice->from || text_header_has(message, "From", notice->from)) &&
	       (!notice->subject || text_header_has(message, "Subject", notice->subject)) &&
	       (!notice->mailer || text_header_has(message, "X-Mailer", notice->mailer)) &&
	       (!notice->banner || text_has_banner(message, notice->banner));
}

/* Gives the reasons to the recipients that wait for one. */
static void flush_reasons(struct walk *walk)
{
	for (size_t i = walk->pending; i < walk->reading->recipient_count; i++)
		text_diagnose(walk->message->arena, walk->reasons, &walk->reading->recipients[i]);
	walk->pending = walk->reading->recipient_count;
	walk->reasons = SLICE_NONE;
}

static void read_list(struct walk *walk, struct slice text)
{
	struct text_entries entries;
	struct text_entry entry;

	text_entries_init(&entries, text, walk->notice->form);
	while (text_entries_next(&entries, &entry)) {
		if (walk->notice->one_per_list)
			entry.body = slice_skip(text, (size_t)(entry.body.ptr - text.ptr));
		if (walk->notice->reason_only)
			entry.body = SLICE_NONE;
		struct report_recipient *recipient =
			text_add(walk->message, walk->reading, entry.address, entry.body);
		if (recipient && slice_empty(recipient->original))
			recipient->original = entry.original;
		if (walk->notice->one_per_list)
			return;
	}
}

static void close_section(struct walk *walk, const char *end)
{
	struct slice text = slice_head(walk->text, (size_t)(end - walk->text.ptr));

	if (walk->section == SECTION_REASON && !slice_empty(slice_trim(text))) {
		walk->reasons = slice_empty(walk->reasons)
					? text
					: arena_printf(walk->message->arena, "%.*s\n%.*s",
						       SLICE_ARG(walk->reasons), SLICE_ARG(text));
	}
	if (walk->section == SECTION_LIST)
		read_list(walk, text);
}

static void open_section(struct walk *walk, enum section section, struct slice text)
{
	if (section == SECTION_LIST && walk->reason_since_list) {
		flush_reasons(walk);
		walk->reason_since_list = false;
	}
	if (section == SECTION_REASON && walk->pending < walk->reading->recipient_count)
		walk->reason_since_list = true;
	walk->section = section;
	walk->text = text;
}

/* The paragraph that ends where `end` begins, for recipients that stand below their reason. */
static struct slice paragraph_above(struct slice text, const char *end)
{
	if (end <= text.ptr || end > text.ptr + text.len)
		return SLICE_NONE;
	/* the "<" of the address does not belong to it */
	struct slice above =
		slice_trim_right(slice_head(text, (size_t)(end - text.ptr) - (end[-1] == '<')));
	struct slice rest = above, line, paragraph = above;

	while (slice_next_line(&rest, &line)) {
		if (slice_empty(slice_trim(line)))
			paragraph = rest;
	}
	return paragraph;
}

/* Where a section begins whose heading is `words` in line: behind them and the ornaments that
 * follow, or at the line where the words are part of what is said. */
static const char *section_start(const struct notice *notice, struct slice line, const char *words,
				 struct slice rest)
{
	struct slice after = text_after(line, words);

	if (notice->form & TEXT_ANYWHERE)
		return line.ptr;
	while (!slice_empty(after) && slice_find_byte(SLICE(":-=* \t"), after.ptr[0]) >= 0)
		after = slice_skip(after, 1);
	return slice_empty(after) ? rest.ptr : after.ptr;
}

static void walk_lines(struct walk *walk, struct slice text)
{
	const struct notice *notice = walk->notice;
	struct slice rest = text, line;

	while (slice_next_line(&rest, &line)) {
		enum section section = SECTION_NONE;
		const char *words = text_has(line, notice->list);
		if (words)
			section = SECTION_LIST;
		else if ((words = text_has(line, notice->reason)))
			section = SECTION_REASON;
		else if (!(words = text_has(line, notice->stop)))
			continue;
		close_section(walk, line.ptr);
		const char *start = section_start(notice, line, words, rest);
		open_section(walk, section, slice_skip(text, (size_t)(start - text.ptr)));
	}
	close_section(walk, text.ptr + text.len);
	if (!notice->list)
		read_list(walk, text);
	if (walk->reading->recipient_count == 0)
		return;
	flush_reasons(walk);
	struct report_recipient *first = &walk->reading->recipients[0];
	if (notice->reason_above && slice_empty(first->diagnostic))
		text_diagnose(walk->message->arena, paragraph_above(text, first->address.ptr),
			      first);
}

bool notice_read(const struct notice *notice, const struct message *message,
		 struct reading *reading, struct slice *ret_notice)
{
	struct walk walk = { .notice = notice,
			     .message = message,
			     .reading = reading,
			     .text = SLICE_NONE,
			     .reasons = SLICE_NONE };

	if (!notice_recognise(notice, message))
		return false;
	struct slice text = text_split(message->text, notice->returned, &reading->returned);
	if (notice->banner && !text_has(text, notice->banner))
		return false; /* it was in the returned message */
	reading->kind = text_has(text, notice->delay) ? REPORT_DELAY : REPORT_BOUNCE;
	walk_lines(&walk, text);
	if (ret_notice)
		*ret_notice = text;
	if (reading->recipient_count == 0 &&
	    !(notice->named_by_returned && text_add_returned(message, reading, walk.reasons)))
		return false;
	reading->score = notice->score ? notice->score : DEFAULT_SCORE;
	return true;
}
