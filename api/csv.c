/* SPDX-License-Identifier: Apache-2.0 */
#include "api/csv.h"

#include <stdint.h>

#include "core/utf8.h"

static const uint32_t REPLACEMENT = 0xfffd;

/* = + - @ and their full-width twins, which spreadsheets take for the same; TAB and CR, which they
 * strip before they look. */
static bool begins_formula(int32_t c)
{
	switch (c) {
	case '=':
	case '+':
	case '-':
	case '@':
	case '\t':
	case '\r':
	case 0xff1d:
	case 0xff0b:
	case 0xff0d:
	case 0xff20:
		return true;
	default:
		return false;
	}
}

/* White space and what shows nothing: a formula may hide behind it. */
static bool is_invisible(int32_t c)
{
	return c == ' ' || c == '\n' || c == 0xa0 || c == 0xfeff || c == 0x3000 ||
	       (c >= 0x2000 && c <= 0x200f) || c == 0x202f || c == 0x205f || c == 0x2060;
}

static bool is_dangerous(struct slice text)
{
	bool at_start = true;

	while (!slice_empty(text)) {
		int32_t c = utf8_next(&text);

		if (at_start && begins_formula(c))
			return true;
		/* a carriage return alone also begins a line for some readers */
		at_start = c == '\n' || c == '\r' || (at_start && is_invisible(c));
	}
	return false;
}

void csv_field(struct buf *out, struct slice text, bool safe)
{
	buf_append_byte(out, '"');
	if (safe && is_dangerous(text))
		buf_append_byte(out, '\'');
	while (!slice_empty(text)) {
		int32_t c = utf8_next(&text);
		char bytes[4];

		if (c == '"')
			buf_append_byte(out, '"');
		if (c <= 0)
			c = (int32_t)REPLACEMENT;
		buf_append(out, slice_from(bytes, utf8_encode((uint32_t)c, bytes)));
	}
	buf_append_byte(out, '"');
}
