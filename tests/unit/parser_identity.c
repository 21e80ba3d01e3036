/* SPDX-License-Identifier: Apache-2.0 */
/* What other systems wrote into a mail: shown, as far as it has their form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/limits.h"
#include "tests/unit/parser_helper.h"

static struct report bounce_to(const char *to, const char *returned)
{
	return parse(arena_printf(arena,
				  "From: MAILER-DAEMON@mta.example\n"
				  "To: <%s>\n"
				  "Subject: Undelivered Mail Returned to Sender\n"
				  "MIME-Version: 1.0\n"
				  "Content-Type: multipart/report;\n"
				  " report-type=delivery-status; boundary=b\n\n"
				  "--b\nContent-Type: message/delivery-status\n\n"
				  "Reporting-MTA: dns; mta.example\n\n"
				  "Final-Recipient: rfc822; user@shop.example\n"
				  "Action: failed\nStatus: 5.1.1\n\n"
				  "--b\nContent-Type: text/rfc822-headers\n\n"
				  "%sSubject: News\n\n--b--\n",
				  to, returned));
}

/* "scheme=value scheme=value", in their order */
static struct slice identifiers(const struct report *report)
{
	struct slice all = SLICE_NONE;

	for (size_t i = 0; i < report->original.identifier_count; i++)
		all = arena_printf(arena, "%.*s%s%.*s=%.*s", SLICE_ARG(all), i > 0 ? " " : "",
				   SLICE_ARG(report->original.identifiers[i].scheme),
				   SLICE_ARG(report->original.identifiers[i].value));
	return all;
}

static void test_return_paths(void **state)
{
	static const char *const cases[][2] = {
		{ "news-bounces+Ann.Lee=Shop.example@lists.example", "verp=ann.lee@shop.example" },
		{ "news-return-123-ann-lee=shop.example@lists.example",
		  "verp=ann-lee@shop.example" },
		{ "bounces+1234567-ab12-ann=shop.example@em.sender.example",
		  "sendgrid=1234567-ab12 verp=ann@shop.example" },
		{ "bounce+1a2b3c.4d5e6f-ann=shop.example@mg.sender.example",
		  "mailgun=1a2b3c.4d5e6f verp=ann@shop.example" },
		{ "bounce-md_1234.5f6a7b8c.v1-0123456789abcdef0123456789abcdef@mandrill.example",
		  "mandrill=0123456789abcdef0123456789abcdef" },
		{ "0100018f1a2b3c4d-12345678-9abc-def0-1234-56789abcdef0-000000@ses.example",
		  "ses=0100018f1a2b3c4d-12345678-9abc-def0-1234-56789abcdef0-000000" },
		{ "abc123@psrp.sender.example", "postal=abc123" },
		{ "prvs=1234abcdef=news+ann=shop.example@lists.example", "verp=ann@shop.example" },
		/* none of their forms */
		{ "bounces@sender.example", "" },
		{ "ann=shop@sender.example", "" },
		{ "bounces+ann@sender.example", "" },
		{ "0100018f1a2b3c4d-12345678-9abc-def0-1234-56789abcdef0@ses.example", "" },
		{ "0100018f1a2b3c4d-12345678-9abc-def0-1234-56789abcdef0-000000-1@ses.example",
		  "" },
		{ "=@sender.example", "" },
		{ "no address", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report as_recipient = bounce_to(cases[i][0], "");
		struct slice header = arena_printf(arena, "Return-Path: <%s>\n", cases[i][0]);
		struct report returned = bounce_to("abuse@sender.example", header.ptr);
		struct report both = bounce_to(cases[i][0], header.ptr);

		assert_slice(identifiers(&as_recipient), cases[i][1]);
		assert_slice(identifiers(&returned), cases[i][1]);
		assert_slice(identifiers(&both), cases[i][1]);
	}
}

static void test_headers(void **state)
{
	struct report report = bounce_to("abuse@sender.example", "X-KumoRef: eyJfQF8iOiI=\n"
								 "x-listmonk-campaign: c-1\n"
								 "X-Listmonk-Subscriber: s-2\n"
								 "X-Postal-MsgID: abc\n"
								 "X-MSFBL: long\n folded\n"
								 "X-Mailer-LID: 7\n"
								 "X-Other: no\n");

	(void)state;
	assert_slice(identifiers(&report), "x-kumoref=eyJfQF8iOiI= x-listmonk-campaign=c-1"
					   " x-listmonk-subscriber=s-2 x-postal-msgid=abc"
					   " x-msfbl=long folded x-mailer-lid=7");
}

static void test_long_values_are_cut(void **state)
{
	char *value = arena_alloc(arena, 3 * LIMIT_REPORT_TEXT + 1);

	(void)state;
	memset(value, 'x', 3 * LIMIT_REPORT_TEXT);
	struct slice header = arena_printf(arena, "X-MSFBL: %s\n", value);
	struct report report = bounce_to("abuse@sender.example", header.ptr);

	assert_int_equal(report.original.identifier_count, 1);
	assert_int_equal(report.original.identifiers[0].value.len, LIMIT_REPORT_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_return_paths),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_long_values_are_cut),
	};

	return cmocka_run_group_tests(tests, parser_setup, parser_teardown);
}
