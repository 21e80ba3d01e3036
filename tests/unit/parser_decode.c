/* SPDX-License-Identifier: Apache-2.0 */
/* Encoded words, charsets, and the text of HTML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/timestamp.h"
#include "core/utf8.h"
#include "parser/charset.h"
#include "parser/encoded_word.h"
#include "parser/html.h"
#include "tests/unit/parser_helper.h"

struct row {
	const char *text;
	const char *expected;
};

static void test_encoded_words(void **state)
{
	static const struct row ROWS[] = {
		{ "plain", "plain" },
		{ "=?utf-8?Q?caf=C3=A9?=", "café" },
		{ "=?UTF-8?b?Y2Fmw6k=?=", "café" },
		{ "=?iso-8859-1?q?caf=E9?= au lait", "café au lait" },
		{ "a =?utf-8?q?b?= =?utf-8?q?c?= d", "a bc d" },
		{ "=?utf-8?q?one_two?=", "one two" },
		{ "=?utf-8?q?one=0Atwo?=", "one two" }, /* stays one line */
		{ "=?utf-8?b?w?= =?utf-8?b?qQ==?=", "\xef\xbf\xbd" },
		{ "=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é" },
		{ "=?iso-2022-jp?B?GyRCRz0bKEI=?=", "能" },
		{ "=?utf-8*de?q?ja?=", "ja" },
		{ "\"=?utf-8?q?quoted?=\" <a@b.example>", "\"quoted\" <a@b.example>" },
		{ "=?utf-8?q?with space?=", "with space" },
		{ "=?utf-8?x?what?=", "=?utf-8?x?what?=" },
		{ "=?utf-8?q?no end", "=?utf-8?q?no end" },
		{ "=?", "=?" },
		{ "=? =?utf-8?q?x?=", "=? x" },
		{ "=?nonsense?q?=41?=", "A" },
		{ "caf\xe9", "café" },
		{ "=?utf-8?q?"
		  "?=",
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++)
		assert_slice(encoded_words_decode(arena, slice_from_cstr(ROWS[i].text)),
			     ROWS[i].expected);
}

static void test_charsets(void **state)
{
	static const struct {
		const char *charset;
		const char *text;
		const char *expected;
	} ROWS[] = {
		{ "us-ascii", "plain", "plain" },
		{ "UTF-8", "caf\xc3\xa9", "café" },
		{ "utf-8", "caf\xe9", "caf\xef\xbf\xbd" },
		{ "ISO-8859-1", "caf\xe9 \x80", "café €" },
		{ "koi8-r", "\xf0\xcf\xde\xd4\xc1", "Почта" },
		{ "windows-1251", "\xcf\xee\xf7\xf2\xe0", "Почта" },
		{ "windows-1252", "\x81\xff", "\xef\xbf\xbdÿ" },
		{ "windows-1258", "a\xcc \xe2\xcc", "à ầ" },
		{ "windows-1255", "\xe9\xc4", "\xef\xac\x9d" },
		{ "tis-620", "\xca\xc7", "สว" },
		{ "iso-2022-jp", "plain ~\\", "plain ~\\" },
		{ "gb2312", "\xd3\xca\xbc\xfe", "邮件" },
		{ "big5", "\xb6l\xa5\xf3", "郵件" },
		{ "euc-kr", "\xb8\xde\xc0\xcf", "메일" },
		{ "shift_jis", "\x83\x81\x81[\x83\x8b", "メール" },
		{ "iso-2022-jp", "\033$B%a!<%k\033(B ok", "メール ok" },
		{ "", "\033$B%a!<%k\033(B ok", "メール ok" },
		{ "", "caf\xe9", "café" },
		{ "", "caf\xc3\xa9", "café" },
		{ "x-unknown-thing", "caf\xe9", "café" },
		{ "utf-7", "caf+AOk-", "café" },
		{ "utf-16le", "a\0b", "a" },
		{ "shift_jis", "a\x83", "a\xef\xbf\xbd" },
		{ "iso-2022-jp", "\033$B%", "\xef\xbf\xbd" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct slice text = charset_to_utf8(arena, slice_from_cstr(ROWS[i].charset),
						    slice_from_cstr(ROWS[i].text));
		assert_true(utf8_valid(text));
		if (strcmp(ROWS[i].charset, "utf-16le") != 0)
			assert_slice(text, ROWS[i].expected);
	}
}

static void test_html(void **state)
{
	static const struct row ROWS[] = {
		{ "a<br>b", "a\nb" },
		{ "<p>one\n  two</p>three", "\none two\nthree" },
		{ "<style>p { }</style><script>x > y</script>z", "z" },
		{ "<!-- <p> -->a", "a" },
		{ "&lt;user@example.com&gt; &amp; &#65;&#x42;&nbsp;&unknown;&",
		  "<user@example.com> & AB &unknown;&" },
		{ "<user@example.com>: gone", "<user@example.com>: gone" },
		{ "<a href=\"mailto:user@example.com\">user</a>", "user" },
		{ "a < b", "a < b" },
		{ "a<b", "a" },
		{ "<style>never closed", "" },
		{ "<td>a</td><td>b</td>", "a b" },
		{ "&#0;&#xD800;&#1114112;", "&#0;&#xD800;&#1114112;" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++)
		assert_slice(html_to_text(arena, slice_from_cstr(ROWS[i].text)), ROWS[i].expected);
}

/* Repetitions that would show quadratic time. */
static void test_linear(void **state)
{
	static const char *const UNITS[] = { "<",      "<a@",       "&",    "=?",
					     "=?a?q?", "=?a?q?x?=", "<!--", "<p" };
	const size_t size = 512 * 1024;
	char *text = arena_alloc(arena, size);

	(void)state;
	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
		for (size_t at = 0; at < size; at++)
			text[at] = UNITS[i][at % strlen(UNITS[i])];
		int64_t start = time_monotonic_ms();
		html_to_text(arena, slice_from(text, size));
		encoded_words_decode(arena, slice_from(text, 64 * 1024));
		assert_true(time_monotonic_ms() - start < 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encoded_words),
		cmocka_unit_test(test_charsets),
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_linear),
	};

	return cmocka_run_group_tests(tests, parser_setup, parser_teardown);
}
