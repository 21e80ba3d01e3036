/* SPDX-License-Identifier: Apache-2.0 */
#include "core/encoding.h"

static const char BASE32[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char BASE64URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char HEX[] = "0123456789abcdef";

/* All three alphabets are powers of two, so one pair of functions serves them: `width` bits a
 * digit. */
static size_t bits_encode(const char *alphabet, unsigned width, const uint8_t *bytes, size_t len,
			  char *ret_text)
{
	uint32_t pending = 0;
	unsigned bits = 0;
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		pending = (pending << 8 | bytes[i]) & 0xffff;
		bits += 8;
		while (bits >= width) {
			bits -= width;
			ret_text[out++] = alphabet[pending >> bits & ((1u << width) - 1)];
		}
	}
	if (bits > 0)
		ret_text[out++] = alphabet[pending << (width - bits) & ((1u << width) - 1)];
	return out;
}

static ptrdiff_t bits_decode(int (*digit_value)(char), unsigned width, struct slice text,
			     uint8_t *ret_bytes, size_t cap)
{
	uint32_t pending = 0;
	unsigned bits = 0;
	size_t out = 0;

	for (size_t i = 0; i < text.len; i++) {
		int value = digit_value(text.ptr[i]);

		if (value < 0)
			return -1;
		pending = (pending << width | (uint32_t)value) & 0xffff;
		bits += width;
		if (bits >= 8) {
			bits -= 8;
			if (out == cap)
				return -1;
			ret_bytes[out++] = (uint8_t)(pending >> bits);
		}
	}
	/* A whole digit left over means a wrong length; slack bits must be zero, so that each value
	 * has exactly one spelling. */
	if (bits >= width || (pending & ((1u << bits) - 1)) != 0)
		return -1;
	return (ptrdiff_t)out;
}

static int base32_value(char c)
{
	c = ascii_lower(c);
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

static int base64url_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static int hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t base32_encode(const uint8_t *bytes, size_t len, char *ret_text)
{
	return bits_encode(BASE32, 5, bytes, len, ret_text);
}

ptrdiff_t base32_decode(struct slice text, uint8_t *ret_bytes, size_t cap)
{
	return bits_decode(base32_value, 5, text, ret_bytes, cap);
}

size_t base64url_encode(const uint8_t *bytes, size_t len, char *ret_text)
{
	return bits_encode(BASE64URL, 6, bytes, len, ret_text);
}

ptrdiff_t base64url_decode(struct slice text, uint8_t *ret_bytes, size_t cap)
{
	return bits_decode(base64url_value, 6, text, ret_bytes, cap);
}

static int base64_value(char c)
{
	return c == '+' ? 62 : c == '/' ? 63 : c == '-' || c == '_' ? -1 : base64url_value(c);
}

ptrdiff_t base64_decode(struct slice text, uint8_t *ret_bytes, size_t cap)
{
	size_t padding = 0;

	while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=')
		padding++;
	if (text.len % 4 != 0)
		return -1;
	/* Three digits hold two bytes, two hold one: a padding of another length leaves a rest. */
	return bits_decode(base64_value, 6, slice_head(text, text.len - padding), ret_bytes, cap);
}

size_t hex_encode(const uint8_t *bytes, size_t len, char *ret_text)
{
	return bits_encode(HEX, 4, bytes, len, ret_text);
}

ptrdiff_t hex_decode(struct slice text, uint8_t *ret_bytes, size_t cap)
{
	return bits_decode(hex_value, 4, text, ret_bytes, cap);
}
