/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/redaction.h"

#include <string.h>

#include "core/limits.h"
#include "core/utf8.h"

/* What stands between the last < and the > behind it; the text itself where there is none. */
static struct slice inside_brackets(struct slice text)
{
	ptrdiff_t open = slice_rfind_byte(text, '<');

	if (open >= 0)
		text = slice_skip(text, (size_t)open + 1);
	ptrdiff_t close = slice_find_byte(text, '>');
	return close >= 0 ? slice_head(text, (size_t)close) : text;
}

/* "user@example.com (comment)" and what else follows an address behind white space. */
static struct slice without_tail(struct slice address)
{
	ptrdiff_t at = slice_rfind_byte(address, '@');

	if (at < 0)
		return address;
	size_t end = (size_t)at;
	while (end < address.len && !ascii_is_space(address.ptr[end]) && address.ptr[end] != '(' &&
	       address.ptr[end] != ',' && address.ptr[end] != ';')
		end++;
	return slice_head(address, end);
}

struct slice recipient_clean(struct slice value)
{
	value = slice_trim(inside_brackets(slice_head(value, LIMIT_ADDRESS * 2)));
	/* RFC 5321 appendix C: a source route before the address */
	if (slice_starts_with(value, SLICE("@"))) {
		ptrdiff_t colon = slice_rfind_byte(value, ':');
		if (colon >= 0)
			value = slice_skip(value, (size_t)colon + 1);
	}
	if (slice_starts_with_nocase(value, SLICE("mailto:")))
		value = slice_skip(value, 7);
	value = slice_trim(without_tail(value));
	if (value.len > 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
		value = slice_from(value.ptr + 1, value.len - 2);
	return slice_head(value, LIMIT_ADDRESS);
}

struct slice recipient_unescape(struct arena *arena, struct slice value)
{
	if (slice_find(value, SLICE("\\x{")) < 0)
		return value;
	char *out = arena_alloc(arena, value.len + 4);
	size_t len = 0;
	while (value.len > 0) {
		uint32_t code_point = 0;
		size_t digits = 0;
		if (slice_starts_with(value, SLICE("\\x{"))) {
			for (size_t i = 3; i < value.len && digits < 6; i++, digits++) {
				char c = ascii_lower(value.ptr[i]);
				if (ascii_is_digit(c))
					code_point = code_point * 16 + (uint32_t)(c - '0');
				else if (c >= 'a' && c <= 'f')
					code_point = code_point * 16 + (uint32_t)(c - 'a') + 10;
				else
					break;
			}
		}
		bool escaped = digits > 0 &&
			       slice_starts_with(slice_skip(value, 3 + digits), SLICE("}")) &&
			       code_point <= 0x10FFFF &&
			       (code_point < 0xD800 || code_point > 0xDFFF);
		if (escaped) {
			len += utf8_encode(code_point, out + len);
			value = slice_skip(value, 3 + digits + 1);
		} else {
			out[len++] = value.ptr[0];
			value = slice_skip(value, 1);
		}
	}
	return slice_from(out, len);
}

static bool is_word(struct slice text, const char *const words[])
{
	for (size_t i = 0; words[i]; i++) {
		if (slice_equal_nocase(text, slice_from_cstr(words[i])))
			return true;
	}
	return false;
}

static bool only_filler(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = ascii_lower(text.ptr[i]);
		if (c != '*' && c != 'x' && c != '#' && c != '?' && c != '-' && c != '.' &&
		    c != '_')
			return false;
	}
	return text.len >= 3;
}

bool recipient_redacted(struct slice address)
{
	static const char *const LOCALS[] = { "redacted",
					      "hashed",
					      "removed",
					      "hidden",
					      "anonymous",
					      "unknown",
					      "undisclosed",
					      "anonymized",
					      "anonymised",
					      "withheld",
					      "masked",
					      "obfuscated",
					      "removed-for-privacy",
					      "anonymized-user",
					      "anonymised-user",
					      "user-redacted",
					      "redacted-address",
					      "undisclosed-recipients",
					      "undisclosed recipients",
					      NULL };
	ptrdiff_t at = slice_rfind_byte(address, '@');
	struct slice local = at >= 0 ? slice_head(address, (size_t)at) : address;
	struct slice domain = at >= 0 ? slice_skip(address, (size_t)at + 1) : SLICE_NONE;

	/* "[redacted]@…", "(hidden)" */
	if (local.len > 2 && slice_find_byte(SLICE("[("), local.ptr[0]) >= 0)
		local = slice_from(local.ptr + 1, local.len - 2);
	if (slice_trim(address).len == 0 || is_word(slice_trim(local), LOCALS) ||
	    only_filler(local))
		return true;
	return slice_starts_with_nocase(local, SLICE("undisclosed")) ||
	       slice_starts_with_nocase(local, SLICE("redacted")) ||
	       slice_find_nocase(local, SLICE("does-not-exist")) >= 0 ||
	       slice_find(local, SLICE("***")) >= 0 ||
	       slice_equal_nocase(address, SLICE("[email\xc2\xa0protected]")) ||
	       slice_equal_nocase(address, SLICE("[email protected]")) ||
	       slice_ends_with_nocase(domain, SLICE(".invalid")) || /* RFC 2606: nobody's */
	       slice_equal_nocase(domain, SLICE("redacted"));
}
