/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchange since 2007 and Exchange Online, in any language: the section for administrators has the
 * address on a line of its own, and below it "#550 5.1.1 RESOLVER…##", "#<mx.example #5.1.1 …>
 * #SMTP#" (both may follow the name of the host that spoke) or "Remote Server returned '550 5.1.1
 * …'". The words around it are translated, this form is not.
 */
#include "core/limits.h"
#include "parser/notice.h"
#include "parser/readers.h"

/* Behind the host, if one is named: "mx.example #550 5.1.1 …". */
static struct slice behind_host(struct slice words)
{
	ptrdiff_t space = slice_find_byte(words, ' ');

	if (space <= 0 || slice_find_byte(slice_head(words, (size_t)space), '.') < 0 ||
	    slice_find_byte(slice_head(words, (size_t)space), '@') >= 0)
		return words;
	struct slice behind = slice_skip(words, (size_t)space + 1);
	return slice_starts_with(behind, SLICE("#")) ? behind : words;
}

static bool is_diagnostic(struct slice line)
{
	struct slice words = behind_host(slice_trim(line));

	if (slice_empty(words))
		return false;
	if (words.ptr[0] == '#')
		return words.len > 4 && (words.ptr[1] == '<' || ascii_is_digit(words.ptr[1]));
	return text_has(words, WORDS("returned '", "Server returned", " returned \"")) &&
	       !slice_empty(text_reply_find(words).code);
}

/* What follows the address up to the first empty line, when it is a diagnostic. */
static struct slice diagnostic_below(struct slice below)
{
	/* two lines, as a rule; the bound keeps hostile lists of addresses from costing more */
	struct slice text = slice_head(below, LIMIT_DIAGNOSTIC), rest = text, line;
	bool found = false;

	while (slice_next_line(&rest, &line)) {
		if (slice_empty(slice_trim(line)))
			return found ? slice_head(text, (size_t)(line.ptr - text.ptr)) : SLICE_NONE;
		found = found || is_diagnostic(line);
	}
	return found ? text : SLICE_NONE;
}

/* "400 4.4.7 Message delayed": Exchange writes 400 while it goes on trying, and never else. */
static bool still_trying(const struct reading *reading)
{
	for (size_t i = 0; i < reading->recipient_count; i++) {
		if (!slice_equal(reading->recipients[i].reply_code, SLICE("400")))
			return false;
	}
	return true;
}

static bool has_form(struct slice text)
{
	return (slice_find_byte(text, '#') >= 0 && text_has(text, WORDS("#SMTP#", "##", "\n#"))) ||
	       text_has(text, WORDS("returned '"));
}

static void exchange2007_read(const struct message *message, struct reading *reading)
{
	struct slice rest = message->text, line, address;

	if (!text_from_daemon(message) || !has_form(rest))
		return;
	reading->kind = REPORT_BOUNCE;
	while (slice_next_line(&rest, &line)) {
		struct slice words = slice_trim(line), below;
		if (text_whole_address(words, &address))
			below = diagnostic_below(rest);
		else if (is_diagnostic(words) && text_find_address(words, &address) &&
			 address.ptr == words.ptr)
			below = slice_skip(words, address.len);
		else
			continue;
		if (!slice_empty(below))
			text_add(message, reading, address, below);
	}
	if (reading->recipient_count == 0)
		return;
	reading->score = 66;
	if (!still_trying(reading))
		return;
	reading->kind = REPORT_DELAY;
	for (size_t i = 0; i < reading->recipient_count; i++)
		reading->recipients[i].action = ACTION_DELAYED;
}

const struct reader reader_exchange2007 = { "exchange2007", exchange2007_read };
