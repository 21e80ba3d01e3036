/* SPDX-License-Identifier: Apache-2.0 */
/* What is neither bounce nor complaint: replies, receipts, commands, challenges, aggregates, mail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/parser_helper.h"

#define BODY      "\n\nI will be back on Monday.\n"
#define MULTIPART "\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n"

static const struct {
	const char *mail;
	enum report_kind kind;
} ROWS[] = {
	{ "From: u@x.example\nSubject: Re: News\nAuto-Submitted: auto-replied" BODY,
	  REPORT_AUTOREPLY },
	{ "From: u@x.example\nSubject: Re: News\nAuto-Submitted: auto-replied (vacation)" BODY,
	  REPORT_AUTOREPLY },
	{ "From: u@x.example\nSubject: x\nX-Autoreply: yes" BODY, REPORT_AUTOREPLY },
	{ "From: u@x.example\nSubject: x\nX-Autoreply: no" BODY, REPORT_NONE },
	{ "From: u@x.example\nSubject: x\nPrecedence: auto_reply" BODY, REPORT_AUTOREPLY },
	{ "From: u@x.example\nSubject: Automatic reply: News" BODY, REPORT_AUTOREPLY },
	{ "From: u@x.example\nSubject: =?utf-8?b?0JDQstGC0L7QvtGC0LLQtdGCOiBOZXdz?=" BODY,
	  REPORT_AUTOREPLY },
	{ "From: u@x.example\nSubject: Abwesenheitsnotiz: News" BODY, REPORT_AUTOREPLY },
	{ "From: u@x.example\nSubject: =?utf-8?b?6Ieq5YuV6L+U5L+hOg==?=" BODY, REPORT_AUTOREPLY },
	{ "From: u@x.example\nReturn-Path: <>\nSubject: Re: News\n\nI am out of the office until "
	  "Monday.\n",
	  REPORT_AUTOREPLY },
	{ "From: u@x.example\nSubject: Re: News\n\nI am out of the office until Monday. Lunch "
	  "then?\n",
	  REPORT_NONE },
	{ "From: u@x.example\nSubject: How to write an out-of-the-box reply" BODY, REPORT_NONE },
	{ "From: u@x.example\nSubject: x\nAuto-Submitted: auto-generated" BODY, REPORT_NONE },
	{ "From: MAILER-DAEMON@x.example\nSubject: x\nAuto-Submitted: auto-replied" BODY,
	  REPORT_NONE },

	{ "From: u@x.example\nContent-Type: multipart/report; "
	  "report-type=disposition-notification; "
	  "boundary=b\n\n--b\n\nread\n--b\nContent-Type: message/disposition-notification\n\n"
	  "Final-Recipient: rfc822;u@x.example\nDisposition: manual-action/MDN-sent-manually; "
	  "displayed\n"
	  "\n--b--\n",
	  REPORT_MDN },

	{ "From: u@x.example\nSubject: unsubscribe\n\n", REPORT_UNSUBSCRIBE },
	{ "From: u@x.example\nSubject: Unsubscribe list-42\n\n", REPORT_UNSUBSCRIBE },
	{ "From: u@x.example\nSubject: x\nX-Apple-Unsubscribe: true\n\nApple Mail sent this email "
	  "to "
	  "unsubscribe from the message x.\n",
	  REPORT_UNSUBSCRIBE },
	{ "From: u@x.example\nSubject: unsubscribe me from the committee\n\nI quit.\n",
	  REPORT_NONE },
	{ "From: u@x.example\nSubject: Remove attachments\n\nplease\n", REPORT_NONE },

	{ "From: u@x.example\nSubject: Please confirm\n\nThis message requires confirmation. Reply "
	  "to this "
	  "message to confirm.\n",
	  REPORT_CHALLENGE },

	{ "From: noreply-dmarc@x.example\nSubject: Report Domain: example.com Submitter: x.example "
	  "Report-ID: <1>\n\n",
	  REPORT_DMARC },
	{ "From: d@x.example\nSubject: x" MULTIPART "Content-Type: application/gzip; "
	  "name=\"x.example!example.com!1767225600!1767311999.xml.gz\"\n\nx\n--b--\n",
	  REPORT_DMARC },
	{ "From: d@x.example\nSubject: x" MULTIPART
	  "Content-Type: application/gzip; name=\"wow!.gz\"\n\nx\n--b--\n",
	  REPORT_NONE },
	{ "From: t@x.example\nContent-Type: multipart/report; report-type=\"tlsrpt\"; "
	  "boundary=b\n\n--b\n\n"
	  "x\n--b\nContent-Type: application/tlsrpt+gzip\n\nx\n--b--\n",
	  REPORT_TLSRPT },

	{ "From: u@x.example\nSubject: hello\n\nhow are you?\n", REPORT_NONE },
	{ "From: u@x.example\nSubject: Undelivered Mail Returned to Sender\n\nwhat does that "
	  "mean?\n",
	  REPORT_NONE },
	{ "From: l@x.example\nList-Id: <l.x.example>\nPrecedence: list\nSubject: [l] Delivery "
	  "failed\n\n"
	  "550 5.1.1 <user@example.com> no such user\n",
	  REPORT_NONE },
};

static void test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct report report = parse(slice_from_cstr(ROWS[i].mail));
		struct report crlf = parse(with_crlf(slice_from_cstr(ROWS[i].mail)));
		if (report.kind != ROWS[i].kind || crlf.kind != ROWS[i].kind)
			fail_msg("%s instead of %s: %s", report_kind_word(report.kind),
				 report_kind_word(ROWS[i].kind), ROWS[i].mail);
	}
}

/* Who replies or leaves is the recipient. */
static void test_sender(void **state)
{
	static const char *const MAILS[] = {
		"From: \"U\" <u@x.example>\nSubject: unsubscribe\n\n",
		"From: u@x.example\nSubject: Out of office\n\nbye\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(MAILS) / sizeof(MAILS[0]); i++) {
		struct report report = parse(slice_from_cstr(MAILS[i]));
		assert_int_equal(report.recipient_count, 1);
		assert_slice(report.recipients[0].address, "u@x.example");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_sender),
	};

	return cmocka_run_group_tests(tests, parser_setup, parser_teardown);
}
