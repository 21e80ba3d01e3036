/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchange before 2007, its Internet Mail Service, and hMailServer, which copies its words: the
 * recipient and the date on one line, what happened further in. The recipient may be an X.400
 * address with the SMTP one in it, or only a display name.
 */
#include "parser/notice.h"
#include "parser/readers.h"

static const char *const LISTS[] = { "did not reach the following recipient",
				     "following recipient(s) could not be reached",
				     "following recipient(s) cannot be reached", NULL };

static size_t indent_of(struct slice line)
{
	size_t indent = 0;

	while (indent < line.len && (line.ptr[indent] == ' ' || line.ptr[indent] == '\t'))
		indent++;
	return indent;
}

/* "c=US;a= ;dda:SMTP=user@example.com; on Fri" */
static bool head_address(struct slice line, struct slice *ret_address)
{
	struct slice head = slice_trim(line);

	if (!text_find_address(head, ret_address))
		return false;
	if (slice_starts_with_nocase(*ret_address, SLICE("SMTP=")))
		*ret_address = slice_skip(*ret_address, 5);
	return true;
}

/* "Display Name on Thu, 29 Apr 2007 16:51:51 -0500" */
static bool is_named_head(struct slice line)
{
	struct slice date = text_after(line, " on ");

	return !slice_empty(date) && text_has(date, WORDS(":")) &&
	       (ascii_is_digit(date.ptr[0]) || text_has(slice_head(date, 4), WORDS(", ", ",")));
}

static void add_entry(const struct message *message, struct reading *reading, struct slice head,
		      struct slice body)
{
	struct slice address;

	if (head_address(head, &address))
		text_add(message, reading, address, body);
	else if (reading->recipient_count == 0)
		text_add_returned(message, reading, body);
}

static void read_entries(const struct message *message, struct reading *reading, struct slice text)
{
	struct slice rest = text, line, head = SLICE_NONE, address;
	size_t indent = SIZE_MAX;
	const char *body = NULL;

	while (slice_next_line(&rest, &line)) {
		if (slice_empty(slice_trim(line)))
			continue;
		if (indent == SIZE_MAX)
			indent = indent_of(line);
		if (indent_of(line) != indent ||
		    !(head_address(line, &address) || is_named_head(line)))
			continue;
		if (body)
			add_entry(message, reading, head,
				  slice_from(body, (size_t)(line.ptr - body)));
		head = line;
		body = rest.ptr;
	}
	if (body)
		add_entry(message, reading, head,
			  slice_from(body, (size_t)(text.ptr + text.len - body)));
}

static void exchange2003_read(const struct message *message, struct reading *reading)
{
	struct slice list;

	if (!text_from_daemon(message) || !text_has_banner(message, LISTS))
		return;
	struct slice text = text_split(
		message->text,
		WORDS("Original message", "Message headers follow", "Transcript of session"),
		&reading->returned);
	const char *words = text_has(text, LISTS);
	if (!words)
		return;
	list = text_after(text, words);
	reading->kind = REPORT_BOUNCE;
	/* the rest of the heading's own line, "(s):", unless the recipient stands on it */
	struct slice rest = list, line = SLICE_NONE, address;
	slice_next_line(&rest, &line);
	if (text_find_address(line, &address))
		text_add(message, reading, address, slice_trim(rest).len ? rest : text);
	else
		read_entries(message, reading, rest);
	if (reading->recipient_count > 0)
		reading->score = 61;
}

const struct reader reader_exchange2003 = { "exchange2003", exchange2003_read };
