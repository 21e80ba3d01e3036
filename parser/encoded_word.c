/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/encoded_word.h"

#include <string.h>

#include "parser/charset.h"

/* RFC 2047 2 says 75; bounded, so that words without an end cost linear time. */
#define WORD_MAX 4096

struct word {
	struct slice charset;
	char encoding; /* 'b' or 'q' */
	struct slice text;
	struct slice rest; /* behind the word */
};

static struct slice take_until(struct slice *rest, char byte)
{
	ptrdiff_t at = slice_find_byte(*rest, byte);
	if (at < 0)
		return SLICE_NONE;
	struct slice taken = slice_head(*rest, (size_t)at);
	*rest = slice_skip(*rest, (size_t)at + 1);
	return taken;
}

/* text begins with "=?". */
static bool word_parse(struct slice text, struct word *ret_word)
{
	struct slice rest = slice_skip(text, 2);
	struct slice charset = take_until(&rest, '?');
	struct slice encoding = take_until(&rest, '?');
	ptrdiff_t end = slice_find(slice_head(rest, WORD_MAX), SLICE("?="));

	if (charset.len == 0 || encoding.len != 1 || end < 0)
		return false;
	/* RFC 2231 5: "charset*language" */
	ptrdiff_t star = slice_find_byte(charset, '*');
	*ret_word = (struct word){
		.charset = star > 0 ? slice_head(charset, (size_t)star) : charset,
		.encoding = ascii_lower(encoding.ptr[0]),
		.text = slice_head(rest, (size_t)end),
		.rest = slice_skip(rest, (size_t)end + 2),
	};
	return ret_word->encoding == 'b' || ret_word->encoding == 'q';
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int hex_value(char c)
{
	c = ascii_lower(c);
	if (ascii_is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Appends the bytes of the word; what is no base 64 is skipped. */
static size_t decode_base64(struct slice text, char *out)
{
	uint32_t bits = 0;
	unsigned count = 0;
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		int value = base64_value(text.ptr[i]);
		if (value < 0)
			continue;
		bits = bits << 6 | (uint32_t)value;
		count += 6;
		if (count >= 8) {
			count -= 8;
			out[len++] = (char)(bits >> count);
		}
	}
	return len;
}

static size_t decode_q(struct slice text, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '=' && i + 2 < text.len && hex_value(text.ptr[i + 1]) >= 0 &&
		    hex_value(text.ptr[i + 2]) >= 0) {
			c = (char)(hex_value(text.ptr[i + 1]) << 4 | hex_value(text.ptr[i + 2]));
			i += 2;
		} else if (c == '_') {
			c = ' ';
		}
		out[len++] = c;
	}
	return len;
}

struct output {
	struct arena *arena;
	char *text; /* room for four times the value: no charset grows more */
	size_t len;
	char *bytes; /* of the words, not yet converted */
	size_t byte_count;
	struct slice charset;
};

static void put_text(struct output *output, struct slice charset, struct slice bytes)
{
	struct slice text = charset_to_utf8(output->arena, charset, bytes);

	memcpy(output->text + output->len, text.ptr, text.len);
	output->len += text.len;
}

/* Words of one charset are converted together: a character may be split between them. A line end in
 * one does not end the header's line. */
static void flush(struct output *output)
{
	size_t from = output->len;

	if (output->byte_count > 0)
		put_text(output, output->charset, slice_from(output->bytes, output->byte_count));
	output->byte_count = 0;
	for (size_t i = from; i < output->len; i++) {
		if (output->text[i] == '\n' || output->text[i] == '\r')
			output->text[i] = ' ';
	}
}

static void put_word(struct output *output, const struct word *word)
{
	if (!slice_equal_nocase(word->charset, output->charset))
		flush(output);
	output->charset = word->charset;
	char *out = output->bytes + output->byte_count;
	output->byte_count +=
		word->encoding == 'b' ? decode_base64(word->text, out) : decode_q(word->text, out);
}

/* What stands before the next word goes out as it is; white space between two words goes. */
static void decode(struct output *output, struct slice rest)
{
	bool behind_word = false;

	while (rest.len > 0) {
		ptrdiff_t at = slice_find(rest, SLICE("=?"));
		struct word word;
		bool found = at >= 0 && word_parse(slice_skip(rest, (size_t)at), &word);
		size_t plain = at < 0 ? rest.len : found ? (size_t)at : (size_t)at + 2;
		bool gap = behind_word && found && slice_trim(slice_head(rest, plain)).len == 0;
		if (!gap && plain > 0) {
			flush(output);
			put_text(output, SLICE_NONE, slice_head(rest, plain));
		}
		behind_word = found;
		rest = found ? word.rest : slice_skip(rest, plain);
		if (found)
			put_word(output, &word);
	}
	flush(output);
}

struct slice encoded_words_decode(struct arena *arena, struct slice value)
{
	if (slice_find_byte(value, '=') < 0 || slice_find(value, SLICE("=?")) < 0)
		return charset_to_utf8(arena, SLICE_NONE, value);
	struct output output = {
		.arena = arena,
		.text = arena_bytes(arena, value.len * 4 + 16),
		.bytes = arena_bytes(arena, value.len),
		.charset = SLICE_NONE,
	};
	decode(&output, value);
	return slice_from(output.text, output.len);
}
