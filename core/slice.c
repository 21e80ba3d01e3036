/* SPDX-License-Identifier: Apache-2.0 */
#include "core/slice.h"

#include <string.h>

int slice_compare(struct slice a, struct slice b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter == 0 ? 0 : memcmp(a.ptr, b.ptr, shorter);

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

bool slice_starts_with(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_equal(slice_head(s, prefix.len), prefix);
}

bool slice_starts_with_nocase(struct slice s, struct slice prefix)
{
	if (s.len < prefix.len)
		return false;
	for (size_t i = 0; i < prefix.len; i++)
		if (ascii_lower(s.ptr[i]) != ascii_lower(prefix.ptr[i]))
			return false;
	return true;
}

bool slice_ends_with(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len && slice_equal(slice_skip(s, s.len - suffix.len), suffix);
}

bool slice_ends_with_nocase(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len && slice_equal_nocase(slice_skip(s, s.len - suffix.len), suffix);
}

/* Sixteen bytes at once, on any machine that gcc knows. */
#define LANES 16
typedef unsigned char lanes __attribute__((vector_size(LANES)));

static inline lanes lanes_load(const char *ptr)
{
	lanes bytes;

	memcpy(&bytes, ptr, sizeof(bytes));
	return bytes;
}

static inline bool lanes_any(lanes bytes)
{
	uint64_t halves[2];

	memcpy(halves, &bytes, sizeof(halves));
	return (halves[0] | halves[1]) != 0;
}

/* Setting this bit in both lowers a letter and leaves nothing else equal to it. */
static inline unsigned char case_bit(char c)
{
	return ascii_is_alpha(c) ? 0x20 : 0;
}

/* One byte of a needle, with the bit that does not count. */
struct probe {
	unsigned char bit;
	unsigned char byte;
};

static inline struct probe probe_for(char c, bool nocase)
{
	const unsigned char bit = nocase ? case_bit(c) : 0;

	return (struct probe){ bit, (unsigned char)c | bit };
}

/*
 * Compares where the needle's first and last byte both fit. Readers look for hundreds of short
 * constants of ours in each message, so that counts, and the time stays linear in s.
 */
static inline ptrdiff_t find(struct slice s, struct slice needle, bool nocase)
{
	const size_t last = needle.len - 1;
	const size_t ends = s.len - last; /* matches begin before it */
	const struct probe first = probe_for(needle.ptr[0], nocase);
	const struct probe end = probe_for(needle.ptr[last], nocase);
	unsigned char fits[LANES];

	for (size_t i = 0; i < ends; i += LANES) {
		/* the last sixteen may overlap those before */
		if (ends - i < LANES && ends >= LANES)
			i = ends - LANES;
		const size_t count = ends - i < LANES ? ends - i : LANES;
		if (count == LANES) {
			const lanes both =
				(lanes)((lanes_load(s.ptr + i) | first.bit) == first.byte) &
				(lanes)((lanes_load(s.ptr + i + last) | end.bit) == end.byte);
			if (!lanes_any(both))
				continue;
			memcpy(fits, &both, sizeof(fits));
		} else {
			for (size_t k = 0; k < count; k++)
				fits[k] = ((unsigned char)s.ptr[i + k] | first.bit) == first.byte;
		}
		for (size_t k = 0; k < count; k++) {
			const struct slice at = slice_from(s.ptr + i + k, needle.len);
			if (fits[k] &&
			    (nocase ? slice_equal_nocase(at, needle) : slice_equal(at, needle)))
				return (ptrdiff_t)(i + k);
		}
	}
	return -1;
}

ptrdiff_t slice_find(struct slice s, struct slice needle)
{
	if (needle.len == 0)
		return 0;
	if (s.len < needle.len)
		return -1;
	if (needle.len <= LANES)
		return find(s, needle, false);
	const char *at = memmem(s.ptr, s.len, needle.ptr, needle.len);
	return at == NULL ? -1 : at - s.ptr;
}

ptrdiff_t slice_find_nocase(struct slice s, struct slice needle)
{
	if (needle.len == 0)
		return 0;
	return s.len < needle.len ? -1 : find(s, needle, true);
}

ptrdiff_t slice_rfind_byte(struct slice s, char byte)
{
	const char *at = s.len == 0 ? NULL : memrchr(s.ptr, byte, s.len);

	return at == NULL ? -1 : at - s.ptr;
}

struct slice slice_trim_right(struct slice s)
{
	while (s.len > 0 && ascii_is_space(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

struct slice slice_trim(struct slice s)
{
	while (s.len > 0 && ascii_is_space(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	return slice_trim_right(s);
}

bool slice_next_line(struct slice *rest, struct slice *ret_line)
{
	if (rest->len == 0)
		return false;
	ptrdiff_t end = slice_find_byte(*rest, '\n');
	size_t len = end < 0 ? rest->len : (size_t)end;
	struct slice line = slice_head(*rest, len);

	*rest = slice_skip(*rest, end < 0 ? len : len + 1);
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	*ret_line = line;
	return true;
}

bool slice_next_field(struct slice *rest, char separator, struct slice *ret_field)
{
	if (rest->len == 0)
		return false;
	ptrdiff_t end = slice_find_byte(*rest, separator);
	size_t len = end < 0 ? rest->len : (size_t)end;

	*ret_field = slice_head(*rest, len);
	*rest = slice_skip(*rest, end < 0 ? len : len + 1);
	return true;
}

bool slice_to_u64(struct slice s, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!ascii_is_digit(s.ptr[i]))
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value))
			return false;
	}
	*ret_value = value;
	return true;
}
