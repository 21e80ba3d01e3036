/* SPDX-License-Identifier: Apache-2.0 */
#include "core/address.h"
#include "parser/text.h"

void text_entries_init(struct text_entries *entries, struct slice text, unsigned form)
{
	*entries = (struct text_entries){ .rest = text, .form = form, .indent = SIZE_MAX };
}

static struct slice skip_blanks(struct slice text)
{
	while (!slice_empty(text) && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
		text = slice_skip(text, 1);
	return text;
}

/* No line of a recipient is longer; looking further would cost quadratic time on hostile text. */
#define HEAD_BYTES 2048

/* Takes "<…>" off the beginning of *text. */
static bool take_angle(struct slice *text, struct slice *ret_inside)
{
	if (slice_empty(*text) || text->ptr[0] != '<')
		return false;
	ptrdiff_t close = slice_find_byte(slice_head(*text, HEAD_BYTES), '>');
	if (close < 0 || slice_find_byte(slice_head(*text, (size_t)close), '\n') >= 0)
		return false;
	*ret_inside = slice_trim(slice_from(text->ptr + 1, (size_t)close - 1));
	*text = slice_skip(*text, (size_t)close + 1);
	return true;
}

/* Takes an address that stands without brackets, or in quotes as a whole: `"a@b.example":`. */
static bool take_bare(struct slice *text, unsigned form, struct slice *ret_address)
{
	size_t len = 0;

	if (!slice_empty(*text) && text->ptr[0] == '"') {
		ptrdiff_t close =
			slice_find_byte(slice_head(slice_skip(*text, 1), HEAD_BYTES), '"');
		if (close > 0 && (size_t)close + 2 < text->len && text->ptr[close + 2] == '@')
			len = (size_t)close + 2;
		else if (close > 0 && text_whole_address(slice_from(text->ptr + 1, (size_t)close),
							 ret_address)) {
			*text = slice_skip(*text, (size_t)close + 2);
			return true;
		}
	}
	while (len < text->len && !ascii_is_space(text->ptr[len]) &&
	       slice_find_byte(SLICE("<>()[];,"), text->ptr[len]) < 0)
		len++;
	/* "a@[192.0.2.1]" */
	if (len > 0 && len < text->len && text->ptr[len] == '[' && text->ptr[len - 1] == '@') {
		ptrdiff_t close = slice_find_byte(slice_head(slice_skip(*text, len), 64), ']');
		if (close > 0)
			len += (size_t)close + 1;
	}
	while (len > 0 && slice_find_byte(SLICE(":.'"), text->ptr[len - 1]) >= 0)
		len--;
	struct slice word = slice_head(*text, len);
	/* "a@b.example:rest" */
	ptrdiff_t at = slice_find_byte(word, '@');
	ptrdiff_t colon = slice_find_byte(slice_skip(word, at < 0 ? 0 : (size_t)at), ':');
	if (at > 0 && colon > 0 && word.ptr[at + 1] != '[')
		word = slice_head(word, (size_t)(at + colon));
	if (!text_whole_address(word, ret_address)) {
		if (!(form & TEXT_LOCAL) || slice_empty(word))
			return false;
		*ret_address = word;
	}
	*text = slice_skip(*text, word.len);
	return true;
}

/* Takes "(expanded from <…>)", which may be wrapped over two lines. */
static void take_origin(struct slice *text, struct slice *ret_original)
{
	static const char *const words[] = { "(expanded from", "(generated from",
					     "(ultimately generated from", NULL };
	struct slice rest = slice_head(*text, HEAD_BYTES);

	while (!slice_empty(rest) && ascii_is_space(rest.ptr[0]))
		rest = slice_skip(rest, 1);
	for (size_t i = 0; words[i]; i++) {
		if (!slice_starts_with_nocase(rest, slice_from_cstr(words[i])))
			continue;
		ptrdiff_t close = slice_find_byte(rest, ')');
		if (close > 0 && text_find_address(slice_head(rest, (size_t)close), ret_original))
			*text = slice_skip(*text, (size_t)(rest.ptr + close + 1 - text->ptr));
		return;
	}
}

/* Reads the recipient at the beginning of a line; *text becomes what follows it. */
static bool take_recipient(struct slice *text, unsigned form, struct text_entry *ret_entry)
{
	struct slice s = *text, inside;

	ret_entry->original = SLICE_NONE;
	if (form & TEXT_ANYWHERE) {
		struct slice line = SLICE_NONE;
		slice_next_line(&s, &line);
		return text_find_address(line, &ret_entry->address);
	}
	/* "> a@b.example" is a list, "> <a@b.example>: …" a quotation */
	struct slice bullets = form & TEXT_COLON ? SLICE("*- \t'") : SLICE("*>- \t'");
	while (!slice_empty(s) && slice_find_byte(bullets, s.ptr[0]) >= 0)
		s = slice_skip(s, 1);
	if (slice_starts_with_nocase(s, SLICE("[SMTP:")))
		s = slice_skip(s, 6);
	if (take_angle(&s, &inside)) {
		if (!text_whole_address(inside, &ret_entry->address)) {
			if (!(form & TEXT_LOCAL) || slice_empty(inside))
				return false;
			ret_entry->address = inside;
		}
	} else if ((form & TEXT_ANGLE) || !take_bare(&s, form, &ret_entry->address)) {
		return false;
	}
	/* "a@b.example <a@b.example>" and "a@b.example<mailto:a@b.example>" */
	struct slice again = skip_blanks(s), twin;
	if (take_angle(&again, &inside) && (text_whole_address(inside, &twin) ||
					    slice_starts_with_nocase(inside, SLICE("mailto:"))))
		s = again;
	take_origin(&s, &ret_entry->original);
	s = skip_blanks(s);
	/* "… your mail to <a@b.example>.", "… to 'a@b.example'", "[SMTP:a@b.example]" */
	if (!slice_empty(s) && slice_find_byte(SLICE(".']"), s.ptr[0]) >= 0 &&
	    (s.len == 1 || ascii_is_space(s.ptr[1])))
		s = slice_skip(s, 1);
	bool colon = !slice_empty(s) && s.ptr[0] == ':';
	if ((form & TEXT_COLON) && !colon)
		return false;
	if (colon)
		s = slice_skip(s, 1);
	if (form & TEXT_ALONE) {
		struct slice rest = s, line;
		if (slice_next_line(&rest, &line) && !slice_empty(slice_trim(line)))
			return false;
	}
	*text = s;
	return true;
}

static size_t indent_of(struct slice line)
{
	size_t indent = 0;

	while (indent < line.len && (line.ptr[indent] == ' ' || line.ptr[indent] == '\t'))
		indent++;
	return indent;
}

/* The next line on which a recipient stands. Moves entries->rest behind the recipient. */
static bool next_head(struct text_entries *entries, struct text_entry *ret_entry,
		      const char **ret_line)
{
	while (!slice_empty(entries->rest)) {
		struct slice at = entries->rest, line;
		slice_next_line(&entries->rest, &line);
		size_t indent = indent_of(line);
		if (indent == line.len ||
		    ((entries->form & TEXT_SAME_INDENT) && entries->indent != SIZE_MAX &&
		     indent != entries->indent))
			continue;
		*ret_line = at.ptr;
		if (take_recipient(&at, entries->form, ret_entry)) {
			entries->indent = indent;
			entries->rest = at;
			return true;
		}
	}
	return false;
}

/* Cuts body at the first empty line that follows something said. */
static struct slice until_blank(struct slice body)
{
	struct slice rest = body, line;
	bool said = false;

	while (slice_next_line(&rest, &line)) {
		bool blank = slice_empty(slice_trim(line));
		if (blank && said)
			return slice_head(body, (size_t)(line.ptr - body.ptr));
		said = said || !blank;
	}
	return body;
}

bool text_entries_next(struct text_entries *entries, struct text_entry *ret_entry)
{
	const char *line;

	if (!next_head(entries, ret_entry, &line))
		return false;
	struct slice body = entries->rest;
	struct text_entries ahead = *entries;
	struct text_entry next;
	/* the rest of this entry's own line is no place for another */
	slice_next_line(&ahead.rest, &(struct slice){ 0 });
	if (next_head(&ahead, &next, &line)) {
		body = slice_head(body, (size_t)(line - body.ptr));
		entries->rest = slice_skip(entries->rest, body.len);
	} else {
		entries->rest = SLICE_NONE;
	}
	ret_entry->body = entries->form & TEXT_BLANK_ENDS ? until_blank(body) : body;
	return true;
}
