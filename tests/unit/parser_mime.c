/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a message, whatever its structure claims. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/limits.h"
#include "parser/mime.h"
#include "tests/unit/parser_helper.h"

static struct message read_message(struct slice raw)
{
	struct message message = { .arena = arena, .raw = raw };
	struct prescan prescan;

	prescan_message(raw, arena, &prescan);
	assert_null(prescan.quarantine);
	header_block_read(raw, arena, &message.headers);
	const char *why = mime_read(&prescan, &message);
	if (why)
		fail_msg("%s", why);
	return message;
}

static const char REPORT[] = "From: a@b.example\n"
			     "Subject: two\n"
			     " lines\n"
			     "subject: second\n"
			     "Content-Type: Multipart/Report; Report-Type=Delivery-Status;\n"
			     "\tboundary=\"=_x\"\n"
			     "\n"
			     "preamble\n"
			     "--=_x\n"
			     "\n"
			     "default type\n"
			     "--=_x\n"
			     "Content-Type: message/delivery-status\n"
			     "Content-Transfer-Encoding: base64\n"
			     "\n"
			     "QWN0aW9uOiBmYWls\n"
			     "ZWQK\n"
			     "--=_x\n"
			     "Content-Type: Message/RFC822; name=\"x.eml\"\n"
			     "Content-Description: original\n"
			     "\n"
			     "To: user@example.com\n"
			     "Content-Type: multipart/mixed; boundary=inner\n"
			     "\n"
			     "--inner\n"
			     "\n"
			     "inside\n"
			     "--inner--\n"
			     "--=_x--\n"
			     "epilogue\n";

static void check_report(const struct message *message)
{
	assert_slice(message->content_type, "multipart/report");
	assert_slice(message->report_type, "delivery-status");
	assert_slice(header_value(&message->headers, "SUBJECT"), "two lines");
	assert_slice(header_find(&message->headers, "Subject", 1)->value, "second");
	assert_null(header_find(&message->headers, "Subject", 2));
	assert_slice(header_value(&message->headers, "From"), "a@b.example");
	assert_slice(header_value(&message->headers, "Cc"), "");
	assert_int_equal(message->part_count, 3);
	assert_int_equal(message->parts[0].kind, PART_TEXT);
	assert_slice(message->text, "default type");
	assert_int_equal(message->parts[1].kind, PART_DELIVERY_STATUS);
	assert_slice(slice_trim(message->parts[1].body), "Action: failed");
	assert_int_equal(message->parts[2].kind, PART_MESSAGE);
	assert_slice(message->parts[2].content_type, "message/rfc822");
	assert_slice(message->parts[2].filename, "x.eml");
	assert_true(slice_starts_with(message->parts[2].body, SLICE("To: user@example.com")));
	assert_true(slice_ends_with(message->parts[2].body, SLICE("--inner--")));
	assert_int_equal(message->parts[2].depth, 1);
}

static void test_report(void **state)
{
	struct message lf = read_message(SLICE(REPORT));
	struct message crlf = read_message(with_crlf(SLICE(REPORT)));

	(void)state;
	check_report(&lf);
	check_report(&crlf);
}

static void test_text(void **state)
{
	static const struct {
		const char *raw;
		const char *text;
		const char *why;
	} ROWS[] = {
		{ "Subject: x\n\nhello\n", "hello\n", "no MIME at all" },
		{ "Content-Type: text/plain; charset=iso-8859-1\n"
		  "Content-Transfer-Encoding: quoted-printable\n\ncaf=E9 =\nau lait",
		  "café au lait", "quoted-printable and a charset" },
		{ "Content-Type: text/html; charset=utf-8\n\n<p>caf\xc3\xa9<br>x", "\ncafé\nx",
		  "HTML alone" },
		{ "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n \n--b\n"
		  "Content-Type: text/html\n\nshown\n--b--\n",
		  "shown", "a blank text part does not hide the HTML" },
		{ "Content-Type: multipart/mixed\n\nall of it\n", "all of it\n", "no boundary" },
		{ "Content-Type: multipart/mixed; boundary=\"\"\n\nall of it\n", "all of it\n",
		  "empty boundary" },
		{ "Content-Type: multipart/mixed; boundary=a\n\n--b\n\nall\n", "--b\n\nall\n",
		  "boundary that never occurs" },
		{ "Content-Type: multipart/report; boundary=b\n\n--b--\n", "--b--\n", "no parts" },
		{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nopen", "open", "cut short" },
		{ "Content-Type: multipart/mixed; boundary=b\n\n--bb\n\none\n--b\n\ntwo\n--b--\n",
		  "two", "boundary that begins another" },
		{ "Content-Type: multipart/mixed;\n boundary=b\nSubject: "
		  "x\n\n--b\n\nhello\n--b--\n",
		  "hello", "headers behind the one that counts" },
		{ "Content-Type: nonsense\n\nhello", "hello", "type without subtype" },
		{ "no header at all\nreally\n", "", "no message" },
		{ "", "", "nothing" },
		{ "Subject: x", "", "no body" },
		{ "Content-Type: text/plain; charset=utf-7\n\ncaf+AOk-", "café", "UTF-7" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct message message = read_message(slice_from_cstr(ROWS[i].raw));
		if (!slice_equal(message.text, slice_from_cstr(ROWS[i].text)))
			fail_msg("%s: \"%.*s\"", ROWS[i].why, SLICE_ARG(message.text));
	}
}

static const char *refuse(struct slice raw)
{
	struct message message = { .arena = arena, .raw = raw };
	struct prescan prescan;

	prescan_message(raw, arena, &prescan);
	if (prescan.quarantine)
		return prescan.quarantine;
	const char *why = mime_read(&prescan, &message);
	return why ? why : "nothing";
}

static void test_bombs(void **state)
{
	struct buf nested;
	struct buf wide;
	struct buf encoded;

	(void)state;
	buf_init(&nested, 1024 * 1024);
	for (int i = 0; i <= LIMIT_MIME_DEPTH; i++)
		buf_printf(&nested, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
	assert_string_equal(refuse(buf_slice(&nested)), "parts nested too deep");
	buf_done(&nested);

	buf_init(&wide, 1024 * 1024);
	buf_append_cstr(&wide, "Content-Type: multipart/mixed; boundary=b\n\n");
	for (int i = 0; i <= LIMIT_PARTS; i++)
		buf_append_cstr(&wide, "--b\n\n\n");
	assert_string_equal(refuse(buf_slice(&wide)), "too many parts");
	buf_done(&wide);

	/* "To: " + 100 × "ggg:::" in base 64: what it hides is looked at, too */
	buf_init(&encoded, 1024 * 1024);
	buf_append_cstr(&encoded, "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
				  "Content-Type: message/rfc822\n"
				  "Content-Transfer-Encoding: base64\n\nVG86IGdn");
	for (int i = 0; i < 100; i++)
		buf_append_cstr(&encoded, "Z2dnOjo6");
	buf_append_cstr(&encoded, "\n--b--\n");
	assert_string_equal(refuse(buf_slice(&encoded)), "address header with too many groups");
	buf_done(&encoded);
}

/* A digest's parts are messages without saying so. GMime takes them apart; nobody here does. */
static void test_digest(void **state)
{
	struct message message =
		read_message(SLICE("Content-Type: multipart/digest; boundary=b\n\n--b\n\n"
				   "To: user@example.com\n\nbody\n--b--\n"));

	(void)state;
	assert_int_equal(message.part_count, 1);
	assert_slice(message.text, "");
}

static void test_header_block(void **state)
{
	struct header_block block;

	(void)state;
	header_block_read(
		SLICE("\n\n>From x\nTo: a@b.example\nbroken line\n folded\nX : =?utf-8?q?y?=\n"
		      "\nCc: body@example.com\n"),
		arena, &block);
	assert_int_equal(block.count, 2);
	assert_slice(header_value(&block, "to"), "a@b.example");
	assert_slice(header_value(&block, "x"), "y");
	assert_slice(block.headers[1].raw, " =?utf-8?q?y?=");
	header_block_read(SLICE(""), arena, &block);
	assert_int_equal(block.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_report),       cmocka_unit_test(test_text),
		cmocka_unit_test(test_bombs),        cmocka_unit_test(test_digest),
		cmocka_unit_test(test_header_block),
	};

	return cmocka_run_group_tests(tests, parser_setup, parser_teardown);
}
