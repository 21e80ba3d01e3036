/* SPDX-License-Identifier: Apache-2.0 */
/* The tools of the free-text readers, each with what it must find and what it must leave alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "core/limits.h"
#include "parser/notice.h"
#include "tests/unit/parser_helper.h"
#include "tests/watched.h"

struct pair {
	const char *text;
	const char *expected; /* "": nothing to be found */
};

static void test_find_address(void **state)
{
	static const struct pair cases[] = {
		{ "mail to user@shop.example failed", "user@shop.example" },
		{ "mail to user@shop.example.", "user@shop.example" },
		{ "mail to <user@shop.example>.", "user@shop.example" },
		{ "mail to 'user@shop.example'", "user@shop.example" },
		{ "(user@shop.example)", "user@shop.example" },
		{ "rfc822;user@shop.example", "user@shop.example" },
		{ "mailto:user@shop.example", "user@shop.example" },
		{ "\"John Doe\"@shop.example", "\"John Doe\"@shop.example" },
		{ "user@[192.0.2.1] said", "user@[192.0.2.1]" },
		{ "user@[192.0.2.1\nsaid] no", "" },
		{ "bounce+a=b.example@list.example", "bounce+a=b.example@list.example" },
		/* scripts without spaces */
		{ "宛先user@shop.exampleは", "user@shop.example" },
		{ "user@shop.example您好", "user@shop.example" },
		{ "用户@商店.example", "用户@商店.example" },
		{ "müller@bücher.example ist", "müller@bücher.example" },
		/* none */
		{ "no address here", "" },
		{ "at @ sign", "" },
		{ "@shop.example", "" },
		{ "user@", "" },
		{ "@@@@", "" },
		{ "", "" },
		/* the first one that is one */
		{ "@ and @x and a@b.example c@d.example", "a@b.example" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice found = SLICE_NONE;
		bool any = text_find_address(slice_from_cstr(cases[i].text), &found);
		assert_slice(any ? found : SLICE_NONE, cases[i].expected);
	}
}

static void test_whole_address(void **state)
{
	static const struct pair cases[] = {
		{ " user@shop.example ", "user@shop.example" },
		{ "<user@shop.example>", "user@shop.example" },
		{ "\"user@shop.example\"", "user@shop.example" },
		{ "rfc822; user@shop.example", "user@shop.example" },
		{ "smtp;<user@shop.example>", "user@shop.example" },
		{ "\"a b\"@shop.example", "\"a b\"@shop.example" },
		{ "user@shop.example: no", "" },
		{ "user at shop.example", "" },
		{ "user", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice found = SLICE_NONE;
		bool any = text_whole_address(slice_from_cstr(cases[i].text), &found);
		assert_slice(any ? found : SLICE_NONE, cases[i].expected);
	}
}

static void test_find_host(void **state)
{
	static const struct pair cases[] = {
		{ "host mx.shop.example[192.0.2.1] said: 550 no", "mx.shop.example" },
		{ "host mx.shop.example [192.0.2.1]: 550 no", "mx.shop.example" },
		{ "by mx.shop.example. [2001:db8::1].", "mx.shop.example" },
		{ "mx.shop.example:[192.0.2.1] : 550", "mx.shop.example" },
		{ "... while talking to mx.shop.example.:", "mx.shop.example" },
		{ "host: mx.shop.example\n5.1.1 no", "mx.shop.example" },
		{ "192.0.2.1 does not like recipient.", "192.0.2.1" },
		{ "SMTP Server <mx.shop.example> rejected", "mx.shop.example" },
		{ "Host not found", "" },
		{ "[message 12] was lost", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_slice(text_find_host(slice_from_cstr(cases[i].text)), cases[i].expected);
}

static void test_reply(void **state)
{
	static const struct {
		const char *text, *code, *status;
	} cases[] = {
		{ "550 5.1.1 no such user", "550", "5.1.1" },
		{ "said: 550-5.7.26 first\n550 5.7.26 last", "550", "5.7.26" },
		{ "host mx[192.0.2.1] said: 421 too many", "421", "" },
		{ "550 #5.1.0 rejected", "550", "5.1.0" },
		{ "554 sorry (#5.2.2)", "554", "5.2.2" },
		{ "Remote Server returned '550 5.4.1 denied'", "550", "5.4.1" },
		{ "ERROR_CODE :550, ERROR_CODE :5.2.1 no", "550", "5.2.1" },
		{ "ResponseCode 421, , Host not reachable", "421", "" },
		{ "x.example (smtp)... 550 Host unknown", "550", "" },
		/* the pair of code and status beats what comes first */
		{ "error 451 at first, then 550 5.1.1 no", "550", "5.1.1" },
		/* the status alone */
		{ "Sorry, no mailbox here by that name. (#5.1.1)", "", "5.1.1" },
		/* what only looks like one */
		{ "message of 552 KB is larger than 500 KB", "", "" },
		{ "queue 4.2.1.17 at 192.0.2.1", "", "" },
		{ "see https://help.example/550/ page 5500", "", "" },
		{ "550@shop.example 1550 550th", "", "" },
		{ "250 2.1.5 ok", "", "" },
		{ "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text_reply reply = text_reply_find(slice_from_cstr(cases[i].text));
		assert_slice(reply.code, cases[i].code);
		assert_slice(reply.status, cases[i].status);
	}
}

static void test_fold(void **state)
{
	static const struct pair cases[] = {
		{ "  one\r\n\ttwo   three\n", "one two three" },
		{ "550-5.1.1 The mailbox\n550-5.1.1 does not\n550 5.1.1 exist",
		  "550-5.1.1 The mailbox does not exist" },
		{ "said: 550-First 550-second 550 third", "said: 550-First second third" },
		/* another reply keeps its code */
		{ "450 4.2.1 later\n550 5.1.1 never", "450 4.2.1 later 550 5.1.1 never" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_slice(text_fold(arena, slice_from_cstr(cases[i].text)), cases[i].expected);

	/* bounded */
	char *big = arena_alloc(arena, 100000);
	memset(big, 'x', 100000);
	assert_true(text_fold(arena, slice_from(big, 100000)).len <= LIMIT_DIAGNOSTIC);
	arena_reset(arena);
}

static void test_command(void **state)
{
	static const struct pair cases[] = {
		{ "550 no (in reply to RCPT TO command)", "RCPT" },
		{ "SMTP error from remote mail server after MAIL FROM:<a@b.example>:", "MAIL" },
		{ "SMTP error from remote mail server after end of data:", "DATA" },
		{ "host mx refused to talk to me: 421", "CONN" },
		{ "192.0.2.1 does not like recipient.", "RCPT" },
		{ "mx did not like our final DATA: 550", "DATA" },
		{ "SMTP error from remote server for GREETING command, host: mx", "CONN" },
		{ "SMTP:RCPT host 192.0.2.1: 553 5.3.0", "RCPT" },
		{ "The server sent: RCPT TO:<a@b.example>", "RCPT" },
		{ "SMTP error, DOT: 554 5.7.1 no", "DATA" },
		{ "mailbox full", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_slice(text_find_command(slice_from_cstr(cases[i].text)), cases[i].expected);
}

static void test_split(void **state)
{
	static const char *const markers[] = { "Original message follows", "Message headers",
					       NULL };
	struct slice returned;

	(void)state;
	struct slice text = SLICE("Notice about the Original message follows rule\n"
				  "  --- original MESSAGE follows. ---\r\nSubject: x\n");
	assert_slice(text_split(text, markers, &returned),
		     "Notice about the Original message follows rule\n");
	assert_slice(returned, "Subject: x\n");
	assert_slice(text_split(SLICE("nothing\n"), markers, &returned), "nothing\n");
	assert_slice(returned, "");
	assert_slice(text_row(SLICE("a: 1\n  Reason:  none \r\nb"), "reason:"), "none");
	assert_slice(text_row(SLICE("a reason: none"), "reason:"), "");
	assert_slice(text_name_after(SLICE("mail system at host mx.example.\n"), "at host "),
		     "mx.example");
}

/* "address/original/body" of each entry, bodies folded, entries apart by "|". */
static struct slice list(const char *text, unsigned form)
{
	struct text_entries entries;
	struct text_entry entry;
	struct slice out = SLICE_NONE;

	text_entries_init(&entries, slice_from_cstr(text), form);
	while (text_entries_next(&entries, &entry)) {
		struct slice body = text_fold(arena, entry.body);
		out = arena_printf(arena, "%.*s%s%.*s/%.*s/%.*s", SLICE_ARG(out),
				   slice_empty(out) ? "" : "|", SLICE_ARG(entry.address),
				   SLICE_ARG(entry.original), SLICE_ARG(body));
	}
	return out;
}

static void test_entries(void **state)
{
	static const struct {
		const char *text;
		unsigned form;
		const char *expected;
	} cases[] = {
		{ "x\n<a@b.example>: said\n    <a@b.example>: more\n\n<c@d.example>: no\n",
		  TEXT_ANGLE | TEXT_COLON | TEXT_SAME_INDENT | TEXT_BLANK_ENDS,
		  "a@b.example//said <a@b.example>: more|c@d.example//no" },
		{ "<a@b.example> (expanded from\n    <o@p.example>): gone\n", TEXT_COLON,
		  "a@b.example/o@p.example/gone" },
		{ "  * a@b.example\n  > c@d.example\n", TEXT_ALONE, "a@b.example//|c@d.example//" },
		{ "\"a@b.example\":\nfull\n\"c@d.example\":\r\nno\r\n", TEXT_COLON,
		  "a@b.example//full|c@d.example//no" },
		{ "a@b.example [User unknown]\n", TEXT_ANY, "a@b.example//[User unknown]" },
		{ "A B<a@b.example>\na@b.example<mailto:a@b.example> no\n", TEXT_ANY,
		  "a@b.example//no" },
		{ "[SMTP:a@b.example]\n", TEXT_ALONE, "a@b.example//" },
		{ "screenname\n", TEXT_LOCAL | TEXT_ALONE, "screenname//" },
		{ "screenname\n", TEXT_ALONE, "" },
		{ "Unknown user: a@b.example\nreply\n", TEXT_ANYWHERE,
		  "a@b.example//Unknown user: a@b.example reply" },
		/* a quotation is no list */
		{ "> <a@b.example>: said\n", TEXT_ANGLE | TEXT_COLON, "" },
		/* a paragraph ends */
		{ "<a@b.example>:\nfull\n\nbest regards\n", TEXT_ANGLE | TEXT_BLANK_ENDS,
		  "a@b.example//full" },
		{ "<a@b.example\n<<>>\n<>\n", TEXT_ANY, "" },
		{ "", TEXT_ANY, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_slice(list(cases[i].text, cases[i].form), cases[i].expected);
	arena_reset(arena);
}

/* A message with these two headers; "" leaves one out. */
static struct message message_from(const char *from, const char *path, const char *text)
{
	struct header *headers = ARENA_ARRAY(arena, struct header, 2);
	struct message message = { .arena = arena, .text = slice_from_cstr(text) };

	headers[0] = (struct header){ SLICE("From"), slice_from_cstr(from), slice_from_cstr(from) };
	headers[1] = (struct header){ SLICE("Return-Path"), slice_from_cstr(path),
				      slice_from_cstr(path) };
	message.headers = (struct header_block){ headers, *path ? 2 : 1 };
	return message;
}

static void test_daemon(void **state)
{
	static const struct {
		const char *from, *path;
		bool daemon;
	} cases[] = {
		{ "MAILER-DAEMON@mx.example (Mail Delivery System)", "", true },
		{ "Mail Delivery Subsystem <mailer-daemon@mx.example>", "", true },
		{ "\"Postmaster\" <postmaster@mx.example>", "", true },
		{ "MAILER-DAEMON <>", "", true },
		{ "System Administrator <x@mx.example>", "", true },
		{ "Anna <anna@office.example>", "<>", true },
		{ "Anna <anna@office.example>", "<MAILER-DAEMON@mx.example>", true },
		{ "Anna <anna@office.example>", "<anna@office.example>", false },
		{ "Postmasters <postmasters-request@lists.example>", "", false },
		{ "Deliveries <news@shop.example>", "<bounce@shop.example>", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message message = message_from(cases[i].from, cases[i].path, "");
		assert_int_equal(text_from_daemon(&message), cases[i].daemon);
	}
	arena_reset(arena);
}

static void test_banner(void **state)
{
	static const char *const words[] = { "This is the mail system", NULL };

	(void)state;
	struct message own = message_from("a", "", "\nThis is the mail system at x.\n");
	assert_non_null(text_has_banner(&own, words));
	struct message quoted = message_from("a", "", "look:\n > This is the mail system at x.\n");
	assert_null(text_has_banner(&quoted, words));
	arena_reset(arena);
}

static const struct notice acme = {
	.banner = WORDS("ACME"),
	.list = WORDS("Recipients:"),
	.reason = WORDS("Reason:"),
	.stop = WORDS("Regards"),
	.returned = WORDS("Returned"),
	.delay = WORDS("trying"),
	.form = TEXT_ALONE,
};

/* The sections of a notice may come in either order, and repeat. */
static void test_notice(void **state)
{
	static const struct {
		const char *text, *diagnostics;
		enum report_kind kind;
	} cases[] = {
		{ "ACME\nRecipients: a@b.example\nc@d.example\nReason:\n550 no\nRegards\nx\n",
		  "550 no|550 no|", REPORT_BOUNCE },
		{ "ACME\nReason: full\nRecipients:\na@b.example\n", "full|", REPORT_BOUNCE },
		{ "ACME\nRecipients: a@b.example\nReason: one\n"
		  "Recipients: c@d.example\nReason: two\n",
		  "one|two|", REPORT_BOUNCE },
		{ "ACME trying\nRecipients: a@b.example\n", "|", REPORT_DELAY },
		{ "ACME\nReturned\nRecipients: a@b.example\n", "", REPORT_BOUNCE },
		{ "Returned\nACME\nRecipients: a@b.example\n", "", REPORT_NONE },
		{ "nothing of it", "", REPORT_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message message = message_from("mailer-daemon", "<>", cases[i].text);
		struct reading reading = { .score = 0, .returned = SLICE_NONE };
		struct slice out = SLICE_NONE;
		bool read = notice_read(&acme, &message, &reading, NULL);

		assert_int_equal(read, *cases[i].diagnostics != 0);
		assert_int_equal(reading.score > 0, read);
		assert_int_equal(reading.kind, cases[i].kind);
		for (size_t k = 0; k < reading.recipient_count; k++)
			out = arena_printf(arena, "%.*s%.*s|", SLICE_ARG(out),
					   SLICE_ARG(reading.recipients[k].diagnostic));
		assert_slice(out, cases[i].diagnostics);
	}
	arena_reset(arena);
}

/* Text made to cost quadratic time is read as fast as any other. */
static void test_linear(void **state)
{
	static const char *const units[] = { "<\n",        "\"\n",     "@",       "a@b ", "<a@\n",
					     "550-5.1.1 ", "(\n<a@b>", "Reason:", "[",    "é@é" };

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		struct slice text =
			slice_from(arena_alloc(arena, LIMIT_TEXT_PART), LIMIT_TEXT_PART);
		char *bytes = arena_alloc(arena, LIMIT_TEXT_PART);
		size_t unit = strlen(units[i]);
		struct text_entries entries;
		struct text_entry entry;
		struct slice address;
		size_t found = 0;

		for (size_t at = 0; at < LIMIT_TEXT_PART; at++)
			bytes[at] = units[i][at % unit];
		text.ptr = bytes;
		clock_t begin = clock();
		text_entries_init(&entries, text, TEXT_LOCAL | TEXT_BLANK_ENDS);
		while (found < 10000 && text_entries_next(&entries, &entry))
			found++;
		text_find_address(text, &address);
		text_find_host(text);
		text_reply_find(text);
		text_fold(arena, text);
		assert_true(clock() - begin < watched_times_slower() * 2 * CLOCKS_PER_SEC);
		arena_reset(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_address), cmocka_unit_test(test_whole_address),
		cmocka_unit_test(test_find_host),    cmocka_unit_test(test_reply),
		cmocka_unit_test(test_fold),         cmocka_unit_test(test_command),
		cmocka_unit_test(test_split),        cmocka_unit_test(test_entries),
		cmocka_unit_test(test_daemon),       cmocka_unit_test(test_banner),
		cmocka_unit_test(test_notice),       cmocka_unit_test(test_linear),
	};

	return cmocka_run_group_tests(tests, parser_setup, parser_teardown);
}
