/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "core/utf8.h"

/*
 * Name in mail, iconv's name, and which text needs no conversion. Labels follow what mail means by
 * them: ISO-8859-1 is windows-1252 in practice.
 */
#define CHARSETS(X)                                   \
	X("iso-8859-1", "WINDOWS-1252", ASCII)        \
	X("latin1", "WINDOWS-1252", ASCII)            \
	X("windows-1252", "WINDOWS-1252", ASCII)      \
	X("cp1252", "WINDOWS-1252", ASCII)            \
	X("iso-8859-2", "ISO-8859-2", ASCII)          \
	X("iso-8859-3", "ISO-8859-3", ASCII)          \
	X("iso-8859-4", "ISO-8859-4", ASCII)          \
	X("iso-8859-5", "ISO-8859-5", ASCII)          \
	X("iso-8859-6", "ISO-8859-6", ASCII)          \
	X("iso-8859-7", "ISO-8859-7", ASCII)          \
	X("iso-8859-8", "ISO-8859-8", ASCII)          \
	X("iso-8859-8-i", "ISO-8859-8", ASCII)        \
	X("iso-8859-9", "WINDOWS-1254", ASCII)        \
	X("iso-8859-10", "ISO-8859-10", ASCII)        \
	X("iso-8859-11", "TIS-620", ASCII)            \
	X("iso-8859-13", "ISO-8859-13", ASCII)        \
	X("iso-8859-14", "ISO-8859-14", ASCII)        \
	X("iso-8859-15", "ISO-8859-15", ASCII)        \
	X("iso-8859-16", "ISO-8859-16", ASCII)        \
	X("windows-1250", "WINDOWS-1250", ASCII)      \
	X("windows-1251", "WINDOWS-1251", ASCII)      \
	X("cp1251", "WINDOWS-1251", ASCII)            \
	X("windows-1253", "WINDOWS-1253", ASCII)      \
	X("windows-1254", "WINDOWS-1254", ASCII)      \
	X("windows-1255", "WINDOWS-1255", ASCII)      \
	X("windows-1256", "WINDOWS-1256", ASCII)      \
	X("windows-1257", "WINDOWS-1257", ASCII)      \
	X("windows-1258", "WINDOWS-1258", ASCII)      \
	X("windows-874", "TIS-620", ASCII)            \
	X("tis-620", "TIS-620", ASCII)                \
	X("koi8-r", "KOI8-R", ASCII)                  \
	X("koi8-u", "KOI8-U", ASCII)                  \
	X("ibm850", "CP850", ASCII)                   \
	X("cp850", "CP850", ASCII)                    \
	X("cp437", "CP437", ASCII)                    \
	X("ibm866", "CP866", ASCII)                   \
	X("cp866", "CP866", ASCII)                    \
	X("macintosh", "MACINTOSH", ASCII)            \
	X("gb2312", "GB18030", ASCII)                 \
	X("gbk", "GB18030", ASCII)                    \
	X("gb18030", "GB18030", ASCII)                \
	X("hz-gb-2312", "GB18030", ASCII)             \
	X("big5", "BIG5-HKSCS", ASCII)                \
	X("big5-hkscs", "BIG5-HKSCS", ASCII)          \
	X("euc-jp", "EUC-JP-MS", ASCII)               \
	X("shift_jis", "CP932", ASCII)                \
	X("shift-jis", "CP932", ASCII)                \
	X("sjis", "CP932", ASCII)                     \
	X("x-sjis", "CP932", ASCII)                   \
	X("windows-31j", "CP932", ASCII)              \
	X("cp932", "CP932", ASCII)                    \
	X("iso-2022-jp", "ISO-2022-JP-2", SHIFTED)    \
	X("iso-2022-jp-1", "ISO-2022-JP-2", SHIFTED)  \
	X("iso-2022-jp-2", "ISO-2022-JP-2", SHIFTED)  \
	X("iso-2022-jp-ms", "ISO-2022-JP-2", SHIFTED) \
	X("cp50221", "ISO-2022-JP-2", SHIFTED)        \
	X("euc-kr", "CP949", ASCII)                   \
	X("ks_c_5601-1987", "CP949", ASCII)           \
	X("cp949", "CP949", ASCII)                    \
	X("iso-2022-kr", "ISO-2022-KR", SHIFTED)      \
	X("utf-7", "UTF-7", NO_ASCII)                 \
	X("unicode-1-1-utf-7", "UTF-7", NO_ASCII)     \
	X("utf-16", "UTF-16", NO_ASCII)               \
	X("utf-16le", "UTF-16LE", NO_ASCII)           \
	X("utf-16be", "UTF-16BE", NO_ASCII)

/* What pure ASCII is in the charset. */
enum ascii {
	ASCII,   /* the same */
	SHIFTED, /* the same as long as nothing shifts to other characters */
	NO_ASCII,
};

struct charset {
	struct slice name;
	const char *iconv_name;
	enum ascii ascii;
};

static const struct charset CHARSET_TABLE[] = {
#define X(name, iconv_name, ascii) { SLICE_LITERAL(name), iconv_name, ascii },
	CHARSETS(X)
#undef X
};

#define CHARSET_COUNT (sizeof(CHARSET_TABLE) / sizeof(CHARSET_TABLE[0]))

/* What a byte is in UTF-8. */
struct character {
	char bytes[3];
	unsigned char len;
};

/* How the charset of a row is read; rows of one iconv name share theirs. */
struct converter {
	iconv_t descriptor; /* (iconv_t)-1: this machine does not have it */
	bool single;        /* each byte stands for itself: iconv is asked once for each, */
	struct character upper[128]; /* and for the ASCII half not at all */
};

static struct converter converters[CHARSET_COUNT];
static const struct converter *converter_of[CHARSET_COUNT];
static bool initialised;

/* false: it is a piece of a longer character. One that is none becomes U+FFFD. */
static bool read_byte(iconv_t descriptor, char byte, struct character *ret_character)
{
	char *read = &byte;
	size_t left = 1;
	char *write = ret_character->bytes;
	size_t room = sizeof(ret_character->bytes);

	iconv(descriptor, NULL, NULL, NULL, NULL);
	if (iconv(descriptor, &read, &left, &write, &room) == (size_t)-1) {
		if (errno != EILSEQ)
			return false;
		write = mempcpy(ret_character->bytes, "\xef\xbf\xbd", 3);
	}
	ret_character->len = (unsigned char)(write - ret_character->bytes);
	return ret_character->len > 0;
}

static void converter_init(struct converter *converter, const struct charset *charset)
{
	converter->descriptor = iconv_open("UTF-8", charset->iconv_name);
	converter->single = converter->descriptor != (iconv_t)-1 && charset->ascii == ASCII;
	for (int i = 0; i < 128 && converter->single; i++)
		converter->single =
			read_byte(converter->descriptor, (char)(i + 128), &converter->upper[i]);
}

void charset_init(void)
{
	if (initialised)
		return;
	initialised = true;
	for (size_t i = 0; i < CHARSET_COUNT; i++) {
		size_t same = 0;
		while (strcmp(CHARSET_TABLE[same].iconv_name, CHARSET_TABLE[i].iconv_name) != 0)
			same++;
		converter_of[i] = &converters[same];
		if (same == i)
			converter_init(&converters[i], &CHARSET_TABLE[i]);
	}
}

static bool is_ascii(struct slice text)
{
	size_t i = 0;

	for (; i + 8 <= text.len; i += 8) {
		uint64_t word;
		memcpy(&word, text.ptr + i, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			return false;
	}
	for (; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] & 0x80)
			return false;
	}
	return true;
}

static struct slice convert_bytes(struct arena *arena, const struct character *upper,
				  struct slice text)
{
	char *out = arena_bytes(arena, text.len * 3);
	char *write = out;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];
		if (byte < 128) {
			*write++ = (char)byte;
			continue;
		}
		memcpy(write, upper[byte - 128].bytes, 3);
		write += upper[byte - 128].len;
	}
	return slice_from(out, (size_t)(write - out));
}

/* The rest after iconv stopped: one byte that cannot be read is skipped for each U+FFFD. */
static struct slice convert(struct arena *arena, iconv_t descriptor, struct slice text)
{
	size_t cap = text.len * 4 + 8; /* no charset of the table grows more */
	char *out = arena_bytes(arena, cap);
	char *write = out;
	size_t room = cap;
	/* iconv's prototype lacks the const; it does not write there. */
	char *read = (char *)(uintptr_t)text.ptr;
	size_t left = text.len;

	iconv(descriptor, NULL, NULL, NULL, NULL);
	while (left > 0 && iconv(descriptor, &read, &left, &write, &room) == (size_t)-1) {
		if (errno == E2BIG || room < 3)
			break;
		memcpy(write, "\xef\xbf\xbd", 3);
		write += 3;
		room -= 3;
		if (left > 0) {
			read++;
			left--;
		}
	}
	return slice_from(out, (size_t)(write - out));
}

static const struct charset *charset_find(struct slice name)
{
	for (size_t i = 0; i < CHARSET_COUNT; i++) {
		if (slice_equal_nocase(name, CHARSET_TABLE[i].name))
			return &CHARSET_TABLE[i];
	}
	return NULL;
}

/* ESC, SO or SI (ISO 2022). */
static bool has_shift(struct slice text)
{
	return slice_find_byte(text, '\033') >= 0 || slice_find_byte(text, '\016') >= 0 ||
	       slice_find_byte(text, '\017') >= 0;
}

static bool is_utf8_name(struct slice name)
{
	return slice_equal_nocase(name, SLICE("utf-8")) || slice_equal_nocase(name, SLICE("utf8"));
}

struct slice charset_to_utf8(struct arena *arena, struct slice charset, struct slice text)
{
	bool ascii = is_ascii(text);
	const struct charset *known = NULL;

	if (is_utf8_name(charset))
		return ascii ? text : utf8_repair(arena, text);
	known = charset.len > 0 ? charset_find(charset) : NULL;
	if (known && ascii &&
	    (known->ascii == ASCII || (known->ascii == SHIFTED && !has_shift(text))))
		return text;
	if (!known) {
		if (ascii && slice_find(text, SLICE("\033$")) >= 0)
			known = charset_find(SLICE("iso-2022-jp"));
		else if (ascii || utf8_valid(text))
			return text;
		else
			known = charset_find(SLICE("windows-1252"));
	}
	const struct converter *converter = converter_of[known - CHARSET_TABLE];
	if (!initialised || converter->descriptor == (iconv_t)-1)
		return utf8_repair(arena, text);
	return converter->single ? convert_bytes(arena, converter->upper, text)
				 : convert(arena, converter->descriptor, text);
}
