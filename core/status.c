/* SPDX-License-Identifier: Apache-2.0 */
#include "core/status.h"

/* 1..3 digits at text[at..]: how many. A longer number counts as none. */
static size_t digits_at(struct slice text, size_t at)
{
	size_t len = 0;

	while (len <= 3 && at + len < text.len && ascii_is_digit(text.ptr[at + len]))
		len++;
	return len <= 3 ? len : 0;
}

static unsigned number(struct slice text, size_t at, size_t len)
{
	unsigned value = 0;

	for (size_t i = 0; i < len; i++)
		value = value * 10 + (unsigned)(text.ptr[at + i] - '0');
	return value;
}

/* A code at text[at..): its length, or 0. What follows must not continue it: 5.1.1.2 is an address,
 * 5.1.1a a version. A dot that ends a sentence is fine. */
static size_t code_at(struct slice text, size_t at, struct status_code *ret_status)
{
	if (at + 5 > text.len || text.ptr[at + 1] != '.' ||
	    (text.ptr[at] != '2' && text.ptr[at] != '4' && text.ptr[at] != '5'))
		return 0;
	size_t subject = digits_at(text, at + 2);
	size_t dot = at + 2 + subject;

	if (subject == 0 || dot >= text.len || text.ptr[dot] != '.')
		return 0;
	size_t detail = digits_at(text, dot + 1);
	size_t end = dot + 1 + detail;

	if (detail == 0)
		return 0;
	if (end < text.len) {
		char next = text.ptr[end];
		bool more = end + 1 < text.len && ascii_is_alnum(text.ptr[end + 1]);

		if (ascii_is_alnum(next) || next == '_' || next == '@' ||
		    ((next == '.' || next == '-') && more))
			return 0;
	}
	if (ret_status != NULL)
		*ret_status = (struct status_code){ (unsigned)(text.ptr[at] - '0'),
						    number(text, at + 2, subject),
						    number(text, dot + 1, detail) };
	return end - at;
}

bool status_parse(struct slice text, struct status_code *ret_status)
{
	struct status_code status;

	if (code_at(text, 0, &status) != text.len || text.len == 0)
		return false;
	*ret_status = status;
	return true;
}

bool status_parse_prefix(struct slice text, struct slice *ret_code)
{
	size_t len = code_at(text, 0, NULL);

	if (len == 0)
		return false;
	*ret_code = slice_head(text, len);
	return true;
}

static bool may_precede(struct slice text, size_t at)
{
	if (at == 0)
		return true;
	char before = text.ptr[at - 1];

	if (before == '-' && at >= 4 && ascii_is_digit(text.ptr[at - 2]))
		return at == 4 || !ascii_is_alnum(text.ptr[at - 5]); /* "550-5.1.1" */
	return !ascii_is_alnum(before) && before != '.' && before != '-' && before != '_' &&
	       before != '/' && before != '@';
}

struct slice status_find(struct slice text)
{
	for (size_t at = 0; at + 5 <= text.len; at++) {
		if (text.ptr[at + 1] != '.' || !may_precede(text, at))
			continue;
		size_t len = code_at(text, at, NULL);

		if (len > 0)
			return slice_head(slice_skip(text, at), len);
	}
	return SLICE_NONE;
}

struct slice reply_code_find(struct slice text)
{
	struct slice success = SLICE_NONE;

	for (size_t at = 0; at + 3 <= text.len; at++) {
		char first = text.ptr[at];

		if ((first != '4' && first != '5' && first != '2') || digits_at(text, at) != 3 ||
		    text.ptr[at + 1] > '7')
			continue;
		bool before_ok =
			at == 0 || (!ascii_is_alnum(text.ptr[at - 1]) && text.ptr[at - 1] != '.' &&
				    text.ptr[at - 1] != '-' && text.ptr[at - 1] != '_');
		char next = at + 3 < text.len ? text.ptr[at + 3] : ' ';
		bool after_ok = next == ' ' || next == '-' || next == '\t' || next == '\r' ||
				next == '\n' || next == ':' || next == ')' || next == ',' ||
				next == '"' || next == '>' || next == ';' || next == '\'';

		if (next == '.')
			after_ok = at + 4 >= text.len || !ascii_is_alnum(text.ptr[at + 4]);
		if (!before_ok || !after_ok)
			continue;
		struct slice code = slice_head(slice_skip(text, at), 3);

		if (first != '2')
			return code;
		if (slice_empty(success))
			success = code;
	}
	return success;
}
