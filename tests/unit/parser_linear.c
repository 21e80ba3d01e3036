/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages made to cost more than their size: four times the bytes may take no more than six times
 * the processor's time, up to the 10 MB that a sender may give us. What a text part holds beyond
 * LIMIT_TEXT_PART is not looked at, so each shape is measured below that size and beyond it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <time.h>

#include "core/limits.h"
#include "tests/unit/parser_helper.h"
#include "tests/watched.h"

#define MORE     4
#define TIMES    6
#define SMALL    ((size_t)128 * 1024)
#define LARGE    ((size_t)LIMIT_MESSAGE_SIZE / MORE)
#define MEASURES 3
/* Shorter times are noise. */
#define FLOOR_MS 10.0
/* With sanitizers, and beside other programs; without, all shapes stay below one. */
#define ENOUGH_MS 10000.0

#define DAEMON "Return-Path: <>\nFrom: mailer-daemon@mx.example\nSubject: failure notice\n"
#define TEXT   DAEMON "\nThis is the mail system at host mx.example.\n\n"
#define HTML   DAEMON "Content-Type: text/html\n\n<html>"
#define STATUS                                                                             \
	DAEMON "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n" \
	       "\n--b\n\nfailed\n\n--b\nContent-Type: message/delivery-status\n\n"
#define ARF                                                                         \
	"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n" \
	"\n--b\n\nabuse\n\n--b\nContent-Type: message/feedback-report\n\n"
#define ORIGINAL                                                        \
	STATUS "Final-Recipient: rfc822; a@b.example\nAction: failed\n" \
	       "\n--b\nContent-Type: message/rfc822\n\n"

static const struct {
	const char *head; /* once */
	const char *unit; /* again and again */
} SHAPES[] = {
	{ TEXT, "<\n" },
	{ TEXT, "\"\n" },
	{ TEXT, "@" },
	{ TEXT, "a@b " },
	{ TEXT, "5" },
	{ TEXT, "5.1" },
	{ TEXT, "550-5.1.1 " },
	{ TEXT, "[1.1.1.1" },
	{ TEXT, "<a@b.example>:\n" },
	{ TEXT, "<a@b.example>: host c.example[192.0.2.1] said: 550 5.1.1 no\n\n" },
	{ TEXT, "  a@b.example\n    550 no such user\n" },
	{ TEXT, "(expanded from <" },
	{ TEXT, "Reporting-MTA:\n" },
	{ TEXT, "Final-Recipient: rfc822; a@b.example\n" },
	{ TEXT, "----- The following addresses had permanent fatal errors -----\n<a@b.example>\n" },
	{ TEXT, ">>> RCPT TO:<a@b.example>\n<<< 550 no\n" },
	{ TEXT, "Hi. This is the qmail-send program at mx.example.\n" },
	{ TEXT, "A message that you sent could not be delivered\n  a@b.example\n" },
	{ TEXT, "Diagnostic information for administrators:\n" },
	{ TEXT, "=?utf-8?q?a?=" },
	{ TEXT, "\xc3\xa9@\xc3\xa9" },
	{ TEXT, "\x1b$B\x1b(B" },
	{ TEXT, "\n" },
	{ TEXT, " " },
	{ TEXT, "b-aaaaaaaaaaaaaaaa " },
	{ TEXT, "begin 644 x\n" },
	{ HTML, "<a" },
	{ HTML, "<!--" },
	{ HTML, "<style><" },
	{ HTML, "&#x26;&" },
	{ HTML, "<br>" },
	{ STATUS, "Final-Recipient: rfc822; a@b.example\n\n" },
	{ STATUS, "Final-Recipient: rfc822; a@b.example\nDiagnostic-Code: smtp; 550 5.1.1 no\n\n" },
	{ STATUS, "Diagnostic-Code: smtp;\n " },
	{ STATUS "Diagnostic-Code: smtp;", "\n x" },
	{ STATUS "X: ", "; " },
	{ ARF, "Original-Rcpt-To: a@b.example\n" },
	{ ARF, "Feedback-Type: abuse\n" },
	{ ORIGINAL, "X-A: b-aaaaaaaaaaaaaaaa\n" },
	{ ORIGINAL "List-Unsubscribe: ", "<mailto:b-aaaaaaaaaaaaaaaa@b.example>,\n " },
	{ ORIGINAL "Subject: ", "=?utf-8?q?a?= " },
	{ ORIGINAL, "To: g:" },
	{ DAEMON, "A: b\n" },
	{ DAEMON "X: ", "\n x" },
	{ DAEMON "Subject: ", "=?utf-8?q?a?= " },
	{ DAEMON "Subject: ", "=?" },
	{ DAEMON "To: ", "a@b.example,\n " },
	{ DAEMON "To: ", "\"" },
	{ DAEMON "Content-Type: multipart/mixed; boundary=", "b" },
	{ DAEMON "Content-Type: text/plain", "; a*0=b" },
	{ DAEMON "Content-Type: text/plain; a=", "(" },
	{ DAEMON "Content-Type: multipart/mixed; boundary=b\n\n", "-" },
	{ DAEMON "Content-Type: multipart/mixed; boundary=b\n\n", "\n-b" },
	{ DAEMON "Content-Transfer-Encoding: base64\n\n", "=" },
	{ DAEMON "Content-Transfer-Encoding: base64\n\n", "PGFAYi5leGFtcGxlPgo=\n" },
	{ DAEMON "Content-Transfer-Encoding: quoted-printable\n\n", "=\n" },
	{ DAEMON "Content-Type: text/plain; charset=utf-7\n\n", "+AAA-" },
	{ DAEMON "Content-Type: text/plain; charset=iso-2022-jp\n\n", "\x1b$B" },
	{ "", "From x\n" },
	{ "", "\r" },
	{ "", "x" },
};

static double parse_ms(const char *bytes, size_t len)
{
	clock_t begin = clock();

	parse(slice_from(bytes, len));
	double ms = (double)(clock() - begin) * 1000 / CLOCKS_PER_SEC;
	arena_reset(arena);
	return ms;
}

static void fill(char *bytes, size_t len, const char *head, const char *unit)
{
	size_t head_len = strlen(head);
	size_t unit_len = strlen(unit);

	memcpy(bytes, head, head_len);
	for (size_t at = head_len; at < len; at++)
		bytes[at] = unit[(at - head_len) % unit_len];
}

/* Other programs may disturb a measurement, but not each time. */
static void check_shape(size_t shape, char *bytes, size_t len)
{
	double few = 0, many = 0;

	fill(bytes, MORE * len, SHAPES[shape].head, SHAPES[shape].unit);
	for (unsigned i = 0; i < MEASURES; i++) {
		many = parse_ms(bytes, MORE * len);
		few = parse_ms(bytes, len);
		if (many <= TIMES * (few > FLOOR_MS ? few : FLOOR_MS) && many <= ENOUGH_MS)
			return;
	}
	fail_msg("shape %zu, \"%s\": %.0f ms for %zu bytes, %.0f ms for %zu", shape,
		 SHAPES[shape].unit, few, len, many, MORE * len);
}

static void check_all(size_t len)
{
	len /= watched_times_slower();

	char *bytes = malloc(MORE * len);

	for (size_t i = 0; i < sizeof(SHAPES) / sizeof(SHAPES[0]); i++)
		check_shape(i, bytes, len);
	free(bytes);
}

static void test_small(void **state)
{
	(void)state;
	check_all(SMALL);
}

static void test_large(void **state)
{
	(void)state;
	check_all(LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, parser_setup, parser_teardown);
}
