/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/html.h"

#include <string.h>

#include "core/utf8.h"

/* How far behind a '<' an address is looked for; bounded, so that the whole stays linear. */
#define ADDRESS_MAX 320

struct writer {
	char *out;
	size_t len;
	bool space; /* white space is owed before the next character */
};

static void put(struct writer *writer, const char *bytes, size_t len)
{
	if (writer->space && writer->len > 0 && writer->out[writer->len - 1] != '\n')
		writer->out[writer->len++] = ' ';
	writer->space = false;
	memcpy(writer->out + writer->len, bytes, len);
	writer->len += len;
}

static void put_newline(struct writer *writer)
{
	writer->space = false;
	writer->out[writer->len++] = '\n';
}

/* The name of the tag whose text begins behind the '<': "/p", "br", "!--". */
static struct slice tag_name(struct slice text)
{
	size_t len = 0;

	if (slice_starts_with(text, SLICE("!--")))
		return slice_head(text, 3);
	while (len < text.len &&
	       (ascii_is_alnum(text.ptr[len]) || (len == 0 && text.ptr[0] == '/')))
		len++;
	return slice_head(text, len);
}

static bool tag_breaks_line(struct slice name)
{
	static const struct slice BLOCKS[] = {
		SLICE_LITERAL("br"),  SLICE_LITERAL("p"),     SLICE_LITERAL("div"),
		SLICE_LITERAL("tr"),  SLICE_LITERAL("li"),    SLICE_LITERAL("h1"),
		SLICE_LITERAL("h2"),  SLICE_LITERAL("h3"),    SLICE_LITERAL("h4"),
		SLICE_LITERAL("pre"), SLICE_LITERAL("table"), SLICE_LITERAL("title"),
		SLICE_LITERAL("ul"),  SLICE_LITERAL("hr"),    SLICE_LITERAL("blockquote"),
	};

	if (slice_starts_with(name, SLICE("/")))
		name = slice_skip(name, 1);
	for (size_t i = 0; i < sizeof(BLOCKS) / sizeof(BLOCKS[0]); i++) {
		if (slice_equal_nocase(name, BLOCKS[i]))
			return true;
	}
	return false;
}

/* What follows `end` in text; empty where it does not occur. */
static struct slice skip_past(struct slice text, struct slice end)
{
	ptrdiff_t at = slice_find_nocase(text, end);
	return at < 0 ? SLICE_NONE : slice_skip(text, (size_t)at + end.len);
}

/* <user@example.com> that was not escaped; an attribute's value may hold @, too. */
static bool is_address(struct slice inside)
{
	return slice_find_byte(inside, '@') >= 0 && slice_find_byte(inside, '=') < 0;
}

/* text begins behind the '<'. Returns what follows the element's end. */
static struct slice read_tag(struct writer *writer, struct slice text)
{
	struct slice name = tag_name(text);

	if (name.len == 0 && !slice_starts_with(text, SLICE("!"))) {
		put(writer, "<", 1); /* <user@example.com> or a < b in sloppy HTML */
		return text;
	}
	if (slice_equal(name, SLICE("!--")))
		return skip_past(text, SLICE("-->"));
	if (slice_equal_nocase(name, SLICE("style")))
		return skip_past(text, SLICE("</style>"));
	if (slice_equal_nocase(name, SLICE("script")))
		return skip_past(text, SLICE("</script>"));
	ptrdiff_t end = slice_find_byte(text, '>');
	if (end > 0 && end < ADDRESS_MAX && is_address(slice_head(text, (size_t)end))) {
		put(writer, "<", 1);
		return text;
	}
	if (tag_breaks_line(name))
		put_newline(writer);
	else if (slice_equal_nocase(name, SLICE("td")))
		writer->space = true;
	return end < 0 ? SLICE_NONE : slice_skip(text, (size_t)end + 1);
}

static uint32_t number(struct slice digits, unsigned base)
{
	uint32_t value = 0;

	for (size_t i = 0; i < digits.len; i++) {
		char c = ascii_lower(digits.ptr[i]);
		unsigned digit = ascii_is_digit(c)   ? (unsigned)(c - '0')
				 : ascii_is_alpha(c) ? (unsigned)(c - 'a') + 10
						     : 99;
		if (digit >= base || value > 0x10FFFF)
			return 0;
		value = value * base + digit;
	}
	return value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF) ? value : 0;
}

/* text begins behind the '&'. */
static struct slice read_reference(struct writer *writer, struct slice text)
{
	static const struct {
		struct slice name;
		uint32_t code_point;
	} NAMED[] = {
		{ SLICE_LITERAL("amp"), '&' },  { SLICE_LITERAL("lt"), '<' },
		{ SLICE_LITERAL("gt"), '>' },   { SLICE_LITERAL("quot"), '"' },
		{ SLICE_LITERAL("nbsp"), ' ' }, { SLICE_LITERAL("apos"), '\'' },
	};
	ptrdiff_t end = slice_find_byte(slice_head(text, 12), ';');
	uint32_t code_point = 0;
	char bytes[4];

	if (end > 0) {
		struct slice name = slice_head(text, (size_t)end);
		if (slice_starts_with_nocase(name, SLICE("#x")))
			code_point = number(slice_skip(name, 2), 16);
		else if (name.ptr[0] == '#')
			code_point = number(slice_skip(name, 1), 10);
		for (size_t i = 0; i < sizeof(NAMED) / sizeof(NAMED[0]); i++) {
			if (slice_equal(name, NAMED[i].name))
				code_point = NAMED[i].code_point;
		}
	}
	if (code_point == 0) {
		put(writer, "&", 1);
		return text;
	}
	put(writer, bytes, utf8_encode(code_point, bytes));
	return slice_skip(text, (size_t)end + 1);
}

struct slice html_to_text(struct arena *arena, struct slice html)
{
	/* A space owed comes from a byte of white space or a tag that is gone, so the text never
	 * outgrows the page. */
	struct writer writer = { .out = arena_alloc(arena, html.len + 1) };
	struct slice rest = html;

	while (rest.len > 0) {
		char c = rest.ptr[0];
		rest = slice_skip(rest, 1);
		if (c == '<')
			rest = read_tag(&writer, rest);
		else if (c == '&')
			rest = read_reference(&writer, rest);
		else if (ascii_is_space(c))
			writer.space = true;
		else
			put(&writer, &c, 1);
	}
	return slice_from(writer.out, writer.len);
}
