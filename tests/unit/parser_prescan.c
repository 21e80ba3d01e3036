/* SPDX-License-Identifier: Apache-2.0 */
/* The caps, one below and one above each, wherever headers can stand; and what GMime gets to see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <time.h>

#include "core/buf.h"
#include "core/limits.h"
#include "parser/prescan.h"
#include "tests/watched.h"

static struct arena *arena;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct prescan scan(struct slice raw)
{
	struct prescan result;

	prescan_message(raw, arena, &result);
	return result;
}

/* before + unit × count + behind */
static struct slice repeat(const char *before, const char *unit, size_t count, const char *behind)
{
	struct buf text;

	buf_init(&text, 64 * 1024 * 1024);
	buf_append_cstr(&text, before);
	for (size_t i = 0; i < count; i++)
		buf_append_cstr(&text, unit);
	buf_append_cstr(&text, behind);
	assert_false(text.full);
	struct slice copy = arena_copy(arena, buf_slice(&text));
	buf_done(&text);
	return copy;
}

static void assert_verdict(struct slice raw, const char *expected)
{
	const char *why = scan(raw).quarantine;

	if (expected ? !why || strcmp(why, expected) != 0 : why != NULL)
		fail_msg("%s instead of %s: %.200s", why ? why : "nothing",
			 expected ? expected : "nothing", raw.ptr);
}

static void test_group_bombs(void **state)
{
	static const char *const PLACES[][2] = {
		{ "To: ", "\r\n\r\nbody" },
		{ "to : ", "\n\nbody" },
		{ "FROM:", "\r\n\r\n" },
		{ "Cc: ", "\r\nSubject: x\r\n\r\n" },
		{ "Subject: x\r\nResent-Reply-To: ", "\r\n\r\n" },
		{ "Bcc:\r\n ", "\r\n\r\n" },
		{ "Sender:\n\t", "" },
		/* a part's own headers */
		{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nCc: ",
		  "\r\n\r\n--b--\r\n" },
		/* an embedded message, with CRLF, LF and a folded type */
		{ "Content-Type: message/rfc822\r\n\r\nTo: ", "\r\n\r\nbody" },
		{ "Content-Type:\n message/RFC822\n\nTo: ", "\n\nbody" },
		{ "--b\nContent-type: Message/rfc822; x=y\n\nX: y\nReply-To: ", "\n\nbody" },
		{ "Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nTo: ", "\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(PLACES) / sizeof(PLACES[0]); i++) {
		/* the header's own colon counts */
		size_t most = LIMIT_ADDRESS_COLONS - 1;
		assert_verdict(repeat(PLACES[i][0], "g:", most, PLACES[i][1]), NULL);
		assert_verdict(repeat(PLACES[i][0], "g:", most + 1, PLACES[i][1]),
			       "address header with too many groups");
		assert_verdict(repeat(PLACES[i][0], "g:\n ", most + 1, PLACES[i][1]),
			       "address header with too many groups");
	}
	assert_verdict(repeat("To: a@b.example\r\n\r\nTo: ", "10:30 ", 100, "\r\n"), NULL);
	assert_verdict(repeat("Subject: ", "g:", 1000, "\r\n\r\n"), NULL);
}

static void test_group_bomb_behind_an_encoding(void **state)
{
	(void)state;
	assert_null(prescan_embedded(repeat("To: ", "g:", 10, "\r\n\r\n")));
	assert_string_equal(prescan_embedded(repeat("To: ", "g:", 100, "\r\n\r\n")),
			    "address header with too many groups");
	/* what was returned may have come a long way, or have lost the line above its body */
	assert_null(prescan_embedded(repeat("", "Received: x\r\n", LIMIT_RECEIVED + 10, "\r\n")));
	assert_null(prescan_embedded(repeat("X: y\n", "no header\n", 100000, "")));
}

static void test_honest_long_header(void **state)
{
	struct slice raw = repeat("Subject: s\r\nTo: ", "someone@example.com,\r\n ", 6000,
				  "a@b.example\r\n\r\nbody");
	struct prescan result = scan(raw);

	(void)state;
	assert_null(result.quarantine);
	assert_true(result.address_header_long);
	assert_false(result.header_long);
	assert_false(scan(SLICE("To: a@b.example\r\n\r\n")).address_header_long);
	assert_true(
		scan(repeat("X-Long: ", "0123456789", LIMIT_HEADER / 10, "\r\n\r\n")).header_long);
}

static void test_counts(void **state)
{
	(void)state;
	assert_verdict(repeat("", "X-A: b\r\n", LIMIT_HEADERS, "\r\n"), NULL);
	assert_verdict(repeat("", "X-A: b\r\n", LIMIT_HEADERS + 1, "\r\n"), "too many headers");
	assert_verdict(repeat("--b\n", "X-A: b\n", LIMIT_HEADERS + 1, "\n"), "too many headers");
	assert_verdict(repeat("", "Received: x\r\n", LIMIT_RECEIVED, "\r\n"), NULL);
	assert_verdict(repeat("", "Received: x\r\n", LIMIT_RECEIVED + 1, "\r\n"), "too many hops");
	/* the original may well have come a long way */
	assert_verdict(
		repeat("Content-Type: message/rfc822\r\n\r\n", "Received: x\r\n", 60, "\r\n"),
		NULL);
	assert_verdict(repeat("\n\n", "--b\n", LIMIT_BOUNDARY_LINES, ""), NULL);
	assert_verdict(repeat("\n\n", "--b\n", LIMIT_BOUNDARY_LINES + 1, ""),
		       "too many boundaries");
	assert_verdict(repeat("X: ", "0123456789\r\n ", LIMIT_HEADER_BLOCK / 13 - 10, "\r\n\r\n"),
		       NULL);
	assert_verdict(repeat("X: ", "0123456789\r\n ", LIMIT_HEADER_BLOCK / 13 + 10, "\r\n\r\n"),
		       "header block too long");
	assert_verdict(repeat("", "Content-Type: message/rfc822\n\n", LIMIT_EMBEDDED_DEPTH, ""),
		       NULL);
	assert_verdict(repeat("", "Content-Type: message/rfc822\n\n", LIMIT_EMBEDDED_DEPTH + 1, ""),
		       "messages embedded too deep");
}

/* Address headers and message/… are renamed wherever they stand; of a part's headers the needed
 * ones come first, and blanks take the place of the others. */
static void test_copy(void **state)
{
	static const struct {
		const char *raw;
		const char *copy;
		const char *why;
	} ROWS[] = {
		{ "content-type : message/rfc822\r\n\r\nfrom: c@d.example\r\nToast: bread\r\n\r\n"
		  "text\r\nReply-To: too\r\n",
		  "content-type : xessage/rfc822\r\n\r\nxxxx: c@d.example\r\nToast: bread\r\n\r\n"
		  "text\r\nxxxxxxxx: too\r\n",
		  "names" },
		{ "\n--b\nContent-ID: <1>\nContent-Type: a/b;\n c=d\nX: y\nContent-Disposition:\n "
		  "inline; filename=z\n\n",
		  "\n--b\nContent-Type: a/b;\n c=d\nContent-Disposition:\n inline; filename=z\n"
		  "                    \n\n",
		  "packed" },
		{ "\n--b\r\nA: b\r\nC: d\r\n\r\n", "\n--b\r\nA:        \r\n\r\n", "none needed" },
		{ "\n--b\nContent-Transfer-Encoding: 8bit\nContent-Disposition: inline\nC: d\n\n",
		  "\n--b\nContent-Transfer-Encoding:                                      \n\n",
		  "that say nothing" },
		{ "\n--b\nA: b\nContent-Transfer-Encoding: base64\nContent-Transfer-Encoding: "
		  "7bit\n\n",
		  "\n--b\nContent-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n    "
		  "\n\n",
		  "the last of two counts" },
		{ "\n--b\nA: b\nContent-Type: a/b\ntext\n",
		  "\n--b\nContent-Type: a/b\n    \ntext\n", "text behind headers" },
		{ "\n--b\nA: b\nContent-Type: a/b\n--b\n", "\n--b\nContent-Type: a/b\n    \n--b\n",
		  "a boundary behind headers" },
		{ "\n--b\nA: b\nContent-Type: a/b", "\n--b\nA:                    ", "the end" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct prescan result = scan(slice_from_cstr(ROWS[i].raw));
		if (strcmp(result.copy, ROWS[i].copy) != 0)
			fail_msg("%s: \"%s\"", ROWS[i].why, result.copy);
	}
}

/* GMime begins with the headers that it needs, behind all others; where a line among them is no
 * header, with the message. */
static void test_start(void **state)
{
	static const struct {
		const char *raw;
		const char *start;
		const char *why;
	} ROWS[] = {
		{ "Content-Type: text/plain;\n\tcharset=utf-8\nTo: x\nContent-Transfer-Encoding: "
		  "base64\n"
		  "Subject: y\n z\n\nSubject: body\n",
		  "Content-Type: text/plain;\n\tcharset=utf-8\nContent-Transfer-Encoding: "
		  "base64\n\n"
		  "Subject: body\n",
		  "moved over what stands between and behind" },
		{ "A: b\r\nC: d\r\n\r\nbody", "\r\nbody", "none is needed" },
		{ "\nbody", "\nbody", "no headers" },
		{ "Content-Type: a/b\nnonsense\nX: y\n\n", "Content-Type: a/b\nnonsense\nX: y\n\n",
		  "a line that is no header" },
		{ " X\nA: b\n\n", " X\nA: b\n\n", "folded below nothing" },
		{ "Content-Type: a/b\nX: y\n--b\n\n", "Content-Type: a/b\n    \n--b\n\n",
		  "a boundary among headers" },
		{ "Content-Type: a/b\nX: y\n", "Content-Type: a/b\n    \n", "headers alone" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct prescan result = scan(slice_from_cstr(ROWS[i].raw));
		if (strcmp(result.copy + result.start, ROWS[i].start) != 0)
			fail_msg("%s: \"%s\"", ROWS[i].why, result.copy + result.start);
	}
	assert_true(scan(SLICE("A: b\nC: d\n\nbody")).plain);
	assert_false(scan(SLICE("A: b\nContent-Type: a/b\n\nbody")).plain);
	assert_false(scan(SLICE("A: b\nno header\n\nbody")).plain);
}

static void test_boundary(void **state)
{
	struct slice fits = repeat("Content-Type: multipart/mixed; boundary=\"", "b", 70, "\"\n\n");
	struct slice large =
		repeat("Content-Type: multipart/mixed; boundary=\"", "b", 3000, "\"\n\n");
	struct prescan result = scan(large);

	(void)state;
	assert_false(scan(fits).content_type_long);
	assert_null(result.quarantine);
	assert_true(result.content_type_long);
	assert_true(slice_starts_with(slice_from_cstr(result.copy), SLICE("xxxxxxxxxxxx: ")));
}

/* 10 MB of what costs most takes a moment, not minutes; quadratic time would show. */
static void test_linear(void **state)
{
	static const char *const UNITS[] = { "To: x\n", "To:",      "\n",
					     " \n",     "-",        "Content-Type: message/\n",
					     "c",       "a: b\n\n", "\r",
					     ":" };

	(void)state;
	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
		size_t count = 10 * 1024 * 1024 / strlen(UNITS[i]);
		struct slice raw = repeat("Subject: x\n\n", UNITS[i], count, "");
		clock_t begin = clock();

		scan(raw);
		assert_true(clock() - begin < watched_times_slower() * 2 * CLOCKS_PER_SEC);
		arena_reset(arena);
	}
}

static void test_nothing(void **state)
{
	(void)state;
	assert_verdict(SLICE(""), NULL);
	assert_verdict(SLICE("\n"), NULL);
	assert_verdict(SLICE("\r"), NULL);
	assert_verdict(SLICE("To"), NULL);
	assert_verdict(SLICE("To:"), NULL);
	assert_verdict(SLICE("Content-Type:"), NULL);
	assert_verdict(SLICE("--"), NULL);
	assert_verdict(SLICE("-x"), NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_group_bombs),
		cmocka_unit_test(test_group_bomb_behind_an_encoding),
		cmocka_unit_test(test_honest_long_header),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_boundary),
		cmocka_unit_test(test_linear),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
