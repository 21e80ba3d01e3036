/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/spf_macro.h"

#include <string.h>

#include "core/buf.h"
#include "ingest/dns.h"

#define EXPANDED_MAX 65536
#define NAME_MAX_LEN 253
/* More right-hand parts than any value has. */
#define PARTS_MAX 128

static bool letter_known(char letter)
{
	return letter != '\0' && strchr("slodipvh", letter) != NULL;
}

/* What stands between "%{" and "}": letter, digits, "r", delimiters. */
static bool parse_macro(struct slice body, struct spf_piece *piece)
{
	size_t at = 1;

	if (slice_empty(body) || !letter_known(ascii_lower(body.ptr[0])))
		return false;
	*piece = (struct spf_piece){ .letter = ascii_lower(body.ptr[0]),
				     .escape = body.ptr[0] != ascii_lower(body.ptr[0]),
				     .delimiters = SLICE_LITERAL(".") };
	for (; at < body.len && ascii_is_digit(body.ptr[at]); at++) {
		piece->parts = piece->parts * 10 + (unsigned)(body.ptr[at] - '0');
		if (piece->parts > PARTS_MAX)
			piece->parts = PARTS_MAX;
	}
	if (at > 1 && piece->parts == 0)
		return false;
	if (at < body.len && ascii_lower(body.ptr[at]) == 'r') {
		piece->reverse = true;
		at++;
	}
	if (at < body.len)
		piece->delimiters = slice_skip(body, at);
	for (; at < body.len; at++)
		if (strchr(".-+,/_=", body.ptr[at]) == NULL || body.ptr[at] == '\0')
			return false;
	return true;
}

static int percent_next(struct slice *rest, struct spf_piece *piece)
{
	ptrdiff_t close = slice_find_byte(*rest, '}');

	if (rest->len < 2)
		return -1;
	switch (rest->ptr[1]) {
	case '%':
		piece->literal = SLICE("%");
		break;
	case '_':
		piece->literal = SLICE(" ");
		break;
	case '-':
		piece->literal = SLICE("%20");
		break;
	case '{':
		if (close < 0 || !parse_macro(slice_from(rest->ptr + 2, (size_t)close - 2), piece))
			return -1;
		*rest = slice_skip(*rest, (size_t)close + 1);
		return 1;
	default:
		return -1;
	}
	*rest = slice_skip(*rest, 2);
	return 1;
}

int spf_piece_next(struct slice *rest, struct spf_piece *ret_piece)
{
	size_t len = 0;

	if (slice_empty(*rest))
		return 0;
	*ret_piece = (struct spf_piece){ 0 };
	if (rest->ptr[0] == '%')
		return percent_next(rest, ret_piece);
	for (; len < rest->len && rest->ptr[len] != '%'; len++)
		if (rest->ptr[len] < 0x21 || rest->ptr[len] > 0x7e)
			return -1;
	ret_piece->literal = slice_head(*rest, len);
	*rest = slice_skip(*rest, len);
	return 1;
}

bool spf_macro_string_valid(struct slice text)
{
	struct spf_piece piece;
	int got;

	while ((got = spf_piece_next(&text, &piece)) > 0)
		;
	return got == 0;
}

static bool top_label_valid(struct slice label)
{
	bool letter_or_hyphen = false;

	if (slice_empty(label) || !ascii_is_alnum(label.ptr[0]) ||
	    !ascii_is_alnum(label.ptr[label.len - 1]))
		return false;
	for (size_t i = 0; i < label.len; i++) {
		if (!ascii_is_alnum(label.ptr[i]) && label.ptr[i] != '-')
			return false;
		letter_or_hyphen = letter_or_hyphen || !ascii_is_digit(label.ptr[i]);
	}
	return letter_or_hyphen;
}

bool spf_domain_spec_valid(struct slice text)
{
	struct slice rest = text, tail = SLICE_NONE;
	struct spf_piece piece;
	int got;

	/* what stands behind the last macro */
	for (const char *begin = rest.ptr; (got = spf_piece_next(&rest, &piece)) > 0;
	     begin = rest.ptr)
		tail = *begin == '%' ? SLICE_NONE : piece.literal;
	if (got < 0 || slice_empty(text))
		return false;
	if (slice_empty(tail))
		return true;
	tail = dns_name_chop(tail);
	ptrdiff_t dot = slice_rfind_byte(tail, '.');

	return dot >= 0 && top_label_valid(slice_skip(tail, (size_t)dot + 1));
}

bool spf_macro_uses(struct slice text, char letter)
{
	struct spf_piece piece;

	while (spf_piece_next(&text, &piece) > 0)
		if (piece.letter == letter)
			return true;
	return false;
}

/* -- expansion -- */

static struct slice letter_value(char letter, const struct spf_macros *macros)
{
	switch (letter) {
	case 's':
		return macros->sender;
	case 'l':
		return macros->local;
	case 'o':
		return macros->sender_domain;
	case 'd':
		return macros->domain;
	case 'i':
		return macros->ip;
	case 'v':
		return macros->version;
	case 'h':
		return macros->helo;
	default:
		return macros->validated;
	}
}

static void append_escaped(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (ascii_is_alnum(c) || (c != '\0' && strchr("-._~", c) != NULL))
			buf_append_byte(out, c);
		else
			buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
	}
}

static void append_part(struct buf *out, struct slice part, bool first, bool escape)
{
	if (!first)
		buf_append_byte(out, '.');
	if (escape)
		append_escaped(out, part);
	else
		buf_append(out, part);
}

/* Splits at the delimiters, turns round, keeps the right-hand parts, joins with dots. */
static void append_letter(struct buf *out, const struct spf_piece *piece, struct slice value,
			  struct arena *arena)
{
	struct slice *parts = ARENA_ARRAY(arena, struct slice, value.len + 1);
	size_t count = 0, begin = 0;

	for (size_t i = 0; i <= value.len; i++) {
		if (i < value.len && slice_find_byte(piece->delimiters, value.ptr[i]) < 0)
			continue;
		parts[count++] = slice_head(slice_skip(value, begin), i - begin);
		begin = i + 1;
	}
	size_t keep = piece->parts == 0 || piece->parts > count ? count : piece->parts;

	for (size_t i = count - keep; i < count; i++)
		append_part(out, parts[piece->reverse ? count - 1 - i : i], i == count - keep,
			    piece->escape);
}

struct slice spf_macro_expand(struct slice text, const struct spf_macros *macros,
			      struct arena *arena)
{
	struct spf_piece piece;
	struct buf out;

	buf_init(&out, EXPANDED_MAX);
	while (spf_piece_next(&text, &piece) > 0) {
		if (piece.letter == '\0')
			buf_append(&out, piece.literal);
		else
			append_letter(&out, &piece, letter_value(piece.letter, macros), arena);
	}
	struct slice name = dns_name_chop(arena_copy(arena, buf_slice(&out)));

	buf_done(&out);
	while (name.len > NAME_MAX_LEN) {
		ptrdiff_t dot = slice_find_byte(name, '.');

		if (dot < 0)
			break; /* no name at all: nothing will be found */
		name = slice_skip(name, (size_t)dot + 1);
	}
	return name;
}
