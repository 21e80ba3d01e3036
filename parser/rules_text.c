/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/rules_text.h"

#include "core/status.h"

_Static_assert(LIMIT_DIAGNOSTIC <= UINT16_MAX, "origins are 16 bits wide");

/* RFC 5322 atext and the dot, and what is not ASCII; without the quotes that stand around
 * addresses. */
static bool is_local_part(char c)
{
	return ascii_is_alnum(c) || (unsigned char)c >= 0x80 ||
	       (c != '\0' && __builtin_strchr("!#$%&*+-/=?^_{|}~.", c) != NULL);
}

static bool is_domain(char c)
{
	return ascii_is_alnum(c) || c == '.' || c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

static void put(struct folded_text *folded, char byte, size_t origin)
{
	folded->bytes[folded->len] = byte;
	folded->origin[folded->len] = (uint16_t)origin;
	folded->len++;
}

static void put_space(struct folded_text *folded, size_t origin)
{
	if (folded->len > 0 && folded->bytes[folded->len - 1] != ' ')
		put(folded, ' ', origin);
}

/* At an @ with a domain behind it: the local part already folded and the domain ahead become one
 * "@". Returns how many bytes of the source that takes, 0 where it is no address. */
static size_t fold_address(struct slice source, size_t at, struct folded_text *folded)
{
	size_t start = folded->len;
	size_t end = at + 1;

	while (start > 0 && is_local_part(folded->bytes[start - 1]))
		start--;
	while (end < source.len && is_domain(source.ptr[end]))
		end++;
	while (end > at + 1 && source.ptr[end - 1] == '.')
		end--;
	if (start == folded->len || end == at + 1)
		return 0;
	size_t origin = folded->origin[start];

	folded->len = start;
	put(folded, '@', origin);
	return end - at;
}

/* Typographic characters that stand for ASCII ones: their length in the source, or 0. */
static size_t fold_typography(struct slice rest, size_t origin, struct folded_text *folded)
{
	static const struct {
		struct slice from;
		char to;
	} TABLE[] = {
		{ SLICE_LITERAL("\xc2\xa0"), ' ' },      /* no-break space */
		{ SLICE_LITERAL("\xe2\x80\x98"), '\'' }, /* ‘ */
		{ SLICE_LITERAL("\xe2\x80\x99"), '\'' }, /* ’ */
		{ SLICE_LITERAL("\xe2\x80\x9c"), '"' },  /* “ */
		{ SLICE_LITERAL("\xe2\x80\x9d"), '"' },  /* ” */
		{ SLICE_LITERAL("\xe3\x80\x80"), ' ' },  /* ideographic space */
	};

	for (size_t i = 0; i < sizeof(TABLE) / sizeof(TABLE[0]); i++) {
		if (!slice_starts_with(rest, TABLE[i].from))
			continue;
		if (TABLE[i].to == ' ')
			put_space(folded, origin);
		else
			put(folded, TABLE[i].to, origin);
		return TABLE[i].from.len;
	}
	return 0;
}

/* The reply code that began the first line of several, e.g. "550-": empty where there is one line.
 */
static struct slice continued_code(struct slice source)
{
	for (size_t at = 0; at + 4 <= source.len; at++) {
		struct slice code = slice_head(slice_skip(source, at), 3);
		bool start = at == 0 || ascii_is_space(source.ptr[at - 1]);

		if (start && source.ptr[at + 3] == '-' &&
		    slice_equal(reply_code_find(slice_head(slice_skip(source, at), 4)), code))
			return code;
	}
	return SLICE_NONE;
}

/* At the beginning of a further line of the reply: the length of its code, status and spaces. */
static size_t line_prefix(struct slice rest, struct slice code)
{
	struct slice status;
	size_t len = code.len + 1;

	if (slice_empty(code) || !slice_starts_with(rest, code) || rest.len <= code.len ||
	    (rest.ptr[code.len] != '-' && rest.ptr[code.len] != ' '))
		return 0;
	while (len < rest.len && rest.ptr[len] == ' ')
		len++;
	if (status_parse_prefix(slice_skip(rest, len), &status))
		len += status.len;
	while (len < rest.len && ascii_is_space(rest.ptr[len]))
		len++;
	return len;
}

void folded_text_make(struct slice source, struct folded_text *ret_folded)
{
	struct folded_text *folded = ret_folded;
	struct slice text = slice_head(source, LIMIT_DIAGNOSTIC);
	struct slice code = continued_code(text);
	bool first_line = true;

	folded->source = source;
	folded->len = 0;
	for (size_t at = 0; at < text.len;) {
		char c = text.ptr[at];
		size_t taken = 1;
		bool at_word = at == 0 || ascii_is_space(text.ptr[at - 1]);
		size_t prefix = at_word ? line_prefix(slice_skip(text, at), code) : 0;

		if (prefix > 0 && !first_line) {
			taken = prefix;
		} else if (ascii_is_space(c)) {
			put_space(folded, at);
		} else if (c == '@' && (taken = fold_address(text, at, folded)) > 0) {
		} else if ((unsigned char)c >= 0x80 &&
			   (taken = fold_typography(slice_skip(text, at), at, folded)) > 0) {
		} else {
			taken = 1;
			put(folded, ascii_lower(c), at);
		}
		if (prefix > 0)
			first_line = false;
		at += taken;
	}
	folded->end = (uint16_t)text.len;
}

struct slice folded_text_source(const struct folded_text *folded, size_t from, size_t to)
{
	if (from >= to)
		return slice_head(folded->source, 0);
	size_t start = folded->origin[from];
	size_t end = to < folded->len ? folded->origin[to] : folded->end;

	return slice_trim(slice_head(slice_skip(folded->source, start), end - start));
}
