/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/header_scan.h"

#include "core/limits.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next line without its CRLF. false: a CR, LF or NUL that belongs to no CRLF, or no end. */
static bool next_line(struct slice *rest, struct slice *ret_line)
{
	for (size_t i = 0; i + 1 < rest->len; i++) {
		if (rest->ptr[i] == '\r' && rest->ptr[i + 1] == '\n') {
			*ret_line = slice_head(*rest, i);
			*rest = slice_skip(*rest, i + 2);
			return true;
		}
		if (rest->ptr[i] == '\r' || rest->ptr[i] == '\n' || rest->ptr[i] == '\0')
			return false;
	}
	return false;
}

static bool begin_field(struct header_scan *scan, struct slice line)
{
	ptrdiff_t colon = slice_find_byte(line, ':');

	if (colon <= 0 || scan->count == LIMIT_HEADERS)
		return false;
	struct header_field *field = &scan->fields[scan->count];

	field->name = slice_trim_right(slice_head(line, (size_t)colon));
	for (size_t i = 0; i < field->name.len; i++)
		if (field->name.ptr[i] <= ' ' || field->name.ptr[i] > '~')
			return false;
	field->value = slice_skip(line, (size_t)colon + 1);
	field->whole = line;
	scan->count++;
	return !slice_empty(field->name);
}

/* A folded line belongs to the field before it. */
static bool continue_field(struct header_scan *scan, struct slice line)
{
	const char *end = line.ptr + line.len;

	if (scan->count == 0)
		return false;
	struct header_field *field = &scan->fields[scan->count - 1];

	field->value.len = (size_t)(end - field->value.ptr);
	field->whole.len = (size_t)(end - field->whole.ptr);
	return true;
}

struct header_scan header_scan(struct slice raw, struct arena *arena)
{
	struct header_scan scan = { .fields =
					    ARENA_ARRAY(arena, struct header_field, LIMIT_HEADERS),
				    .body = SLICE_NONE };
	struct slice rest = raw, line;

	while (next_line(&rest, &line)) {
		if (slice_empty(line)) {
			scan.body = rest;
			return scan;
		}
		if (!(is_blank(line.ptr[0]) ? continue_field(&scan, line)
					    : begin_field(&scan, line)))
			break;
	}
	scan.ambiguous = true;
	return scan;
}

size_t header_scan_count(const struct header_scan *scan, struct slice name)
{
	size_t count = 0;

	for (size_t i = 0; i < scan->count; i++)
		count += slice_equal_nocase(scan->fields[i].name, name);
	return count;
}

const struct header_field *header_scan_find(const struct header_scan *scan, struct slice name)
{
	for (size_t i = 0; i < scan->count; i++)
		if (slice_equal_nocase(scan->fields[i].name, name))
			return &scan->fields[i];
	return NULL;
}

/* -- From -- */

/* The value without comments, and with quoted strings as a single `"`. false where they do not end.
 */
static bool strip(struct slice value, char *out, size_t *ret_len)
{
	unsigned comments = 0;
	bool quoted = false;
	size_t len = 0;

	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (c == '\\' && (comments > 0 || quoted)) {
			i++;
		} else if (quoted) {
			quoted = c != '"';
		} else if (c == '(') {
			comments++;
		} else if (c == ')' && comments > 0) {
			comments--;
		} else if (comments == 0) {
			quoted = c == '"';
			out[len++] = c;
		}
	}
	*ret_len = len;
	return comments == 0 && !quoted;
}

/* dot-atom "@" dot-atom, ASCII: what a feedback reporter's address looks like. */
static bool is_plain_address(struct slice text)
{
	size_t ats = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c <= ' ' || c > '~' || slice_find_byte(SLICE("()<>[]:;\\,\""), c) >= 0)
			return false;
		ats += c == '@';
	}
	return ats == 1 && text.ptr[0] != '@' && text.ptr[text.len - 1] != '@';
}

struct slice header_scan_address(const struct header_scan *scan, struct slice name,
				 struct arena *arena)
{
	const struct header_field *field = header_scan_find(scan, name);
	struct slice text;
	size_t len;

	if (scan->ambiguous || field == NULL || header_scan_count(scan, name) != 1)
		return SLICE_NONE;
	char *stripped = arena_alloc(arena, field->value.len + 1);

	if (!strip(field->value, stripped, &len))
		return SLICE_NONE;
	text = slice_trim(slice_from(stripped, len));
	ptrdiff_t open = slice_find_byte(text, '<');

	if (slice_find_byte(text, ',') >= 0 || slice_find_byte(text, ':') >= 0 ||
	    slice_find_byte(text, ';') >= 0)
		return SLICE_NONE;
	if (open >= 0) {
		/* the name before it may be anything that holds no second address */
		if (!slice_ends_with(text, SLICE(">")) ||
		    slice_find_byte(slice_head(text, (size_t)open), '@') >= 0)
			return SLICE_NONE;
		text = slice_from(text.ptr + open + 1, text.len - (size_t)open - 2);
	}
	return is_plain_address(text) ? arena_lower(arena, text) : SLICE_NONE;
}

struct slice address_domain(struct slice address)
{
	ptrdiff_t at = slice_rfind_byte(address, '@');

	return at < 0 ? SLICE_NONE : slice_skip(address, (size_t)at + 1);
}

bool domain_within(struct slice name, struct slice domain)
{
	if (slice_empty(domain) || !slice_ends_with_nocase(name, domain))
		return false;
	return name.len == domain.len || name.ptr[name.len - domain.len - 1] == '.';
}
