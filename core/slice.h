/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slice is a borrowed run of bytes: pointer and length, not NUL-terminated, valid as long as
 * what it points into. Absence is the empty slice. Comparisons ignore case for ASCII only; no
 * function here looks at the locale.
 */
#ifndef BOUNCED_CORE_SLICE_H
#define BOUNCED_CORE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *ptr;
	size_t len;
};

/* For a string literal, also in static initialisers. */
#define SLICE_LITERAL(text)              \
	{                                \
		(text), sizeof(text) - 1 \
	}
#define SLICE(text) ((struct slice)SLICE_LITERAL(text))
/* For printf("%.*s"). */
#define SLICE_ARG(s) (int)(s).len, (s).ptr
#define SLICE_NONE   ((struct slice){ "", 0 })

static inline struct slice slice_from(const char *ptr, size_t len)
{
	return (struct slice){ ptr, len };
}

/* NULL gives the empty slice. */
static inline struct slice slice_from_cstr(const char *text)
{
	return text == NULL ? SLICE_NONE : (struct slice){ text, strlen(text) };
}

static inline bool slice_empty(struct slice s)
{
	return s.len == 0;
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Bytewise order, shorter first where one is the other's beginning: <0, 0, >0. */
int slice_compare(struct slice a, struct slice b);
bool slice_starts_with(struct slice s, struct slice prefix);
bool slice_starts_with_nocase(struct slice s, struct slice prefix);
static inline bool slice_equal_nocase(struct slice a, struct slice b)
{
	return a.len == b.len && slice_starts_with_nocase(a, b);
}

bool slice_ends_with(struct slice s, struct slice suffix);
bool slice_ends_with_nocase(struct slice s, struct slice suffix);

/* Offset of the first match, or -1. Linear time. */
ptrdiff_t slice_find(struct slice s, struct slice needle);
ptrdiff_t slice_find_nocase(struct slice s, struct slice needle);
ptrdiff_t slice_rfind_byte(struct slice s, char byte);

static inline ptrdiff_t slice_find_byte(struct slice s, char byte)
{
	const char *at = s.len == 0 ? NULL : (const char *)memchr(s.ptr, byte, s.len);

	return at == NULL ? -1 : at - s.ptr;
}

/* The part from `from` on; empty when past the end. */
static inline struct slice slice_skip(struct slice s, size_t from)
{
	if (from > s.len)
		from = s.len;
	if (from == 0) /* perhaps of no object, to whose address nothing may be added */
		return s;
	return (struct slice){ s.ptr + from, s.len - from };
}

/* At most the first `len` bytes. */
static inline struct slice slice_head(struct slice s, size_t len)
{
	return (struct slice){ s.ptr, len < s.len ? len : s.len };
}

/* Without leading and trailing SP, TAB, CR, LF. */
struct slice slice_trim(struct slice s);
struct slice slice_trim_right(struct slice s);

/* Takes the next line off *rest, without its CRLF or LF. false when *rest is empty. */
bool slice_next_line(struct slice *rest, struct slice *ret_line);
/* Takes what comes before the next `separator` off *rest. false when *rest is empty. */
bool slice_next_field(struct slice *rest, char separator, struct slice *ret_field);

/* Decimal digits only, no sign, whole slice, no overflow. */
bool slice_to_u64(struct slice s, uint64_t *ret_value);

static inline bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool ascii_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool ascii_is_alnum(char c)
{
	return ascii_is_digit(c) || ascii_is_alpha(c);
}

static inline bool ascii_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

#endif
