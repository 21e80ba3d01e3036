/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery status notifications as they are sent in fact, and what must not be taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/timestamp.h"
#include "tests/unit/parser_helper.h"

/* A report whose status part has that body, that type and those further headers. */
static struct report dsn_as(const char *type, const char *headers, const char *body)
{
	struct slice raw = arena_printf(
		arena,
		"From: MAILER-DAEMON@mx.example\n"
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n"
		"\n--b\n\nIt failed.\n--b\nContent-Type: %s\n%s\n%s\n--b--\n",
		type, headers, body);
	return parse(raw);
}

static struct report dsn(const char *body)
{
	return dsn_as("message/delivery-status", "", body);
}

/* "address/action/status address/action/status" */
static struct slice flatten(const struct report *report)
{
	struct slice out = SLICE_NONE;

	for (size_t i = 0; i < report->recipient_count; i++) {
		const struct report_recipient *recipient = &report->recipients[i];
		out = arena_printf(arena, "%.*s%s%.*s/%s/%.*s", SLICE_ARG(out), i ? " " : "",
				   SLICE_ARG(recipient->address),
				   report_action_word(recipient->action),
				   SLICE_ARG(recipient->status));
	}
	return out;
}

#define GROUP(address, action, status) \
	"Final-Recipient: rfc822; " address "\nAction: " action "\nStatus: " status "\n"

static const struct {
	const char *body;
	enum report_kind kind;
	const char *recipients;
	const char *why;
} GROUPS[] = {
	{ "Reporting-MTA: dns; mx.example\n\n" GROUP("a@b.example", "failed", "5.1.1"),
	  REPORT_BOUNCE, "a@b.example/failed/5.1.1", "one" },
	{ "Reporting-MTA: dns; mx.example\n\n" GROUP(
		  "a@b.example", "delivered",
		  "2.0.0") "\n" GROUP("c@d.example", "failed",
				      "5.1.1") "\n" GROUP("e@f.example", "delayed", "4.4.1"),
	  REPORT_BOUNCE,
	  "a@b.example/delivered/2.0.0 c@d.example/failed/5.1.1 e@f.example/delayed/4.4.1",
	  "a failure behind a success" },
	{ "Reporting-MTA: dns; mx.example\n" GROUP("a@b.example", "failed", "5.1.1")
		  GROUP("c@d.example", "failed", "5.2.2"),
	  REPORT_BOUNCE, "a@b.example/failed/5.1.1 c@d.example/failed/5.2.2", "no empty lines" },
	{ "Original-Recipient: rfc822;x@b.example\n" GROUP(
		  "a@b.example", "failed",
		  "5.1.1") "Original-Recipient: rfc822;y@b.example\n" GROUP("c@d.example", "failed",
									    "5.2.2"),
	  REPORT_BOUNCE, "a@b.example/failed/5.1.1 c@d.example/failed/5.2.2",
	  "no empty lines, the original recipient first" },
	{ "Action: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822; a@b.example\n\n"
	  "Action: failed\nStatus: 5.2.2\nFinal-Recipient: rfc822; c@d.example\n",
	  REPORT_BOUNCE, "a@b.example/failed/5.1.1 c@d.example/failed/5.2.2",
	  "the recipient last" },
	{ "Final-Recipient: rfc822; a@b.example\n\nAction: failed\n\nStatus: 5.1.1\n",
	  REPORT_BOUNCE, "a@b.example/failed/5.1.1", "empty lines within a group" },
	{ "Final-Recipient: rfc822; a@b.example\n\nAction: failed\n\nStatus: 5.1.1\n\n"
	  "Action: failed\nStatus: 5.2.2\nFinal-Recipient: rfc822; c@d.example\n",
	  REPORT_BOUNCE, "a@b.example/failed/5.1.1 c@d.example/failed/5.2.2",
	  "empty lines within one group, the recipient last in the next" },
	{ GROUP("a@b.example", "delayed", "4.4.1"), REPORT_DELAY, "a@b.example/delayed/4.4.1",
	  "a delay is no bounce" },
	{ GROUP("a@b.example", "delivered", "2.1.5"), REPORT_DELIVERED,
	  "a@b.example/delivered/2.1.5", "success" },
	{ GROUP("a@b.example", "relayed", "2.1.9") "\n" GROUP("c@d.example", "expanded", "2.1.5"),
	  REPORT_DELIVERED, "a@b.example/relayed/2.1.9 c@d.example/expanded/2.1.5", "relayed" },
	{ GROUP("a@b.example", "Failed (user unknown)", "5.1.1 (really)"), REPORT_BOUNCE,
	  "a@b.example/failed/5.1.1", "comments" },
	{ GROUP("a@b.example", "deliverable", "2.1.5") "\n" GROUP("c@b.example", "undeliverable",
								  "5.1.1"),
	  REPORT_BOUNCE, "a@b.example/delivered/2.1.5 c@b.example/failed/5.1.1", "a probe" },
	{ "Final-Recipient: rfc822; a@b.example\nStatus: 4.4.1\nWill-Retry-Until: "
	  "tomorrow\n",
	  REPORT_DELAY, "a@b.example/delayed/4.4.1", "no action, but it goes on" },
	{ "Final-Recipient: rfc822; a@b.example\nStatus: 5.1.1\n", REPORT_BOUNCE,
	  "a@b.example/failed/5.1.1", "no action" },
	{ "Final-Recipient: rfc822; a@b.example\nStatus: 2.0.0\n", REPORT_DELIVERED,
	  "a@b.example/delivered/2.0.0", "no action, but success" },
	{ "Final-Recipient: rfc822; a@b.example\nAction: failed\n", REPORT_BOUNCE,
	  "a@b.example/failed/", "a status that is not there is not invented" },
	{ GROUP("a@b.example", "failed", "none"), REPORT_BOUNCE, "a@b.example/failed/",
	  "no status" },
	{ "Final-Recipient: rfc822; a@b.example\nAction: failed\n"
	  "Diagnostic-Code: smtp; 550 5.1.1 no such user\n",
	  REPORT_BOUNCE, "a@b.example/failed/5.1.1", "the status that the reply has" },
	{ "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.0.0\n"
	  "Diagnostic-Code: smtp; 550 5.7.54 unable to relay\n",
	  REPORT_BOUNCE, "a@b.example/failed/5.7.54", "a reply that is more exact" },
	{ "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.0.0\n"
	  "Diagnostic-Code: smtp; 450 4.2.2 full, given up\n",
	  REPORT_BOUNCE, "a@b.example/failed/5.0.0", "a reply of another class" },
	{ "Original-Recipient: rfc822;a@b.example\nAction: failed\nStatus: 5.1.1\n", REPORT_BOUNCE,
	  "a@b.example/failed/5.1.1", "the original recipient alone" },
	{ "Original-Recipient: rfc822;a@b.example\n" GROUP("@relay.example:a@ims_daemon", "failed",
							   "5.2.2"),
	  REPORT_BOUNCE, "a@b.example/failed/5.2.2", "an internal route is no address" },
	{ GROUP("user", "failed", "5.1.1"), REPORT_BOUNCE, "user/failed/5.1.1", "no domain" },
	{ "Final-Recipient: utf-8; caf\\x{E9}@b.example\nAction: failed\n", REPORT_BOUNCE,
	  "café@b.example/failed/", "RFC 6533" },
};

static void test_groups(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(GROUPS) / sizeof(GROUPS[0]); i++) {
		struct report report = dsn(GROUPS[i].body);
		struct slice got = flatten(&report);
		if (report.kind != GROUPS[i].kind ||
		    !slice_equal(got, slice_from_cstr(GROUPS[i].recipients)))
			fail_msg("%s: %s %.*s", GROUPS[i].why, report_kind_word(report.kind),
				 SLICE_ARG(got));
	}
}

static const char FULL[] = "Reporting-MTA: dns; mx.example (192.0.2.1)\n"
			   "Arrival-Date: Thu, 1 Jan 2026 10:00:00 +0100\n"
			   "\n"
			   "Original-Recipient: rfc822;alias@example.com\n"
			   "Final-Recipient: rfc822; <user@example.com>\n"
			   "Action: failed\n"
			   "Status: 5.2.2\n"
			   "Remote-MTA: dns; mail.example.com [192.0.2.9]\n"
			   "Diagnostic-Code: SMTP; 552-5.2.2 The mailbox is\n"
			   "\tover quota;\n"
			   "    sorry\n"
			   "Last-Attempt-Date: Thu, 1 Jan 2026 10:00:00 +0100\n";

static void check_full(const struct report *report)
{
	assert_int_equal(report->kind, REPORT_BOUNCE);
	assert_slice(report->format, "rfc3464");
	assert_slice(report->reporting_mta, "mx.example");
	assert_int_equal(report->arrival_date, INT64_C(1767258000000));
	assert_int_equal(report->recipient_count, 1);
	const struct report_recipient *recipient = &report->recipients[0];
	assert_slice(recipient->address, "user@example.com");
	assert_slice(recipient->original, "alias@example.com");
	assert_slice(recipient->status, "5.2.2");
	assert_slice(recipient->reply_code, "552");
	assert_slice(recipient->remote_mta, "mail.example.com");
	assert_slice(recipient->diagnostic, "552-5.2.2 The mailbox is over quota; sorry");
	assert_int_equal(recipient->reason, REASON_MAILBOXFULL);
	assert_int_equal(recipient->severity, SEVERITY_SOFT);
	assert_false(recipient->redacted);
}

static void test_fields(void **state)
{
	static const char *const TYPES[] = {
		"message/delivery-status",  "MESSAGE/GLOBAL-DELIVERY-STATUS",
		"message/xdelivery-status", "text/plain",
		"application/octet-stream", "message/delivery-status; charset=utf-8"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
		struct report report = dsn_as(TYPES[i], "", FULL);
		check_full(&report);
	}
	struct report crlf = parse(
		with_crlf(arena_printf(arena,
				       "Content-Type: multipart/report; "
				       "boundary=b\n\n--b\nContent-Type: message/delivery-status\n"
				       "\n%s\n--b--\n",
				       FULL)));
	check_full(&crlf);
	struct report printable =
		dsn_as("message/delivery-status", "Content-Transfer-Encoding: quoted-printable\n",
		       "Final-Recipient: rfc822; user=40exam=\nple.com\nAction: fail=65d\n");
	assert_slice(flatten(&printable), "user@example.com/failed/");
	struct report base64 =
		dsn_as("message/delivery-status", "Content-Transfer-Encoding: base64\n",
		       "RmluYWwtUmVjaXBpZW50OiByZmM4MjI7IHVz\n"
		       "ZXJAZXhhbXBsZS5jb20KQWN0aW9uOiBmYWlsZWQK\n");
	assert_slice(flatten(&base64), "user@example.com/failed/");
}

/* Types other than smtp say what kind of text follows, so they stay. */
static void test_diagnostic_types(void **state)
{
	struct report report = dsn(GROUP("a@b.example", "failed",
					 "5.0.0") "Diagnostic-Code: x-unix; 127 command failed\n");

	(void)state;
	assert_slice(report.recipients[0].diagnostic, "x-unix; 127 command failed");
}

/* A relay that loses the MIME headers leaves the fields in the text of a mail system's mail. */
static void test_inline(void **state)
{
	static const char TEXT[] =
		"This is a MIME-encapsulated message\n\n--x\n"
		"Content-Type: message/delivery-status\n\n"
		"Reporting-MTA: dns; mx.example\n\n"
		"Action: failed\nFinal-Recipient: rfc822; user@example.com\nStatus: 5.1.1\n\n"
		"--x\nContent-Type: message/rfc822\n\n"
		"Final-Recipient: rfc822; other@example.com\nAction: failed\n";
	struct report daemon =
		parse(arena_printf(arena, "From: MAILER-DAEMON@mx.example\n\n%s", TEXT));
	struct report person = parse(arena_printf(arena, "From: user@example.com\n\n%s", TEXT));

	(void)state;
	assert_slice(flatten(&daemon), "user@example.com/failed/5.1.1");
	assert_int_equal(person.kind, REPORT_NONE);
}

/* What speaks of a bounce is none. */
static void test_no_bounce(void **state)
{
	static const char *const MAILS[] = {
		"From: user@example.com\nSubject: Fwd: Undelivered Mail\n\n"
		"Look what I got:\n\n> Final-Recipient: rfc822; a@b.example\n> Action: failed\n> "
		"Status: 5.1.1\n",
		"From: user@example.com\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsee "
		"below\n--b\n"
		"Content-Type: message/rfc822\n\n"
		"Content-Type: multipart/report; boundary=c\n\n--c\nContent-Type: "
		"message/delivery-status\n\n"
		"Final-Recipient: rfc822; a@b.example\nAction: failed\n\n--c--\n--b--\n",
		"From: list@example.com\nPrecedence: list\nList-Id: <x.example>\n\n"
		"The field Final-Recipient: rfc822; a@b.example with Action: failed and Status: "
		"5.1.1\n",
		"From: user@example.com\nContent-Type: multipart/report; "
		"report-type=delivery-status; boundary=b\n"
		"\n--b\n\nnothing\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: "
		"dns; mx.example\n"
		"\n--b--\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(MAILS) / sizeof(MAILS[0]); i++) {
		struct report report = parse(slice_from_cstr(MAILS[i]));
		if (report.kind == REPORT_BOUNCE || report.recipient_count > 0)
			fail_msg("%zu became a %s", i, report_kind_word(report.kind));
	}
}

/* Seen dressed as a status report: the recipient's filter asks whether a human wrote. */
static void test_challenge(void **state)
{
	struct report report = dsn(GROUP("a@b.example", "failed",
					 "5.7.1") "Diagnostic-Code: X-Boxbe-Notice; Sender not "
						  "pre-approved. Follow instructions above.\n");
	struct report dressed = parse(SLICE(
		"From: noreply@boxbe.com\nContent-Type: multipart/report; "
		"boundary=b\n\n--b\n\nHello\n--b\n"
		"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\n"
		"Action: failed\nDiagnostic-Code: X-Boxbe-Notice; Sender not "
		"pre-approved.\n\n--b--\n"));

	(void)state;
	assert_int_equal(report.kind, REPORT_BOUNCE); /* from a mail system, whatever it quotes */
	assert_int_equal(dressed.kind, REPORT_CHALLENGE);
	assert_int_equal(dressed.recipient_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),           cmocka_unit_test(test_fields),
		cmocka_unit_test(test_diagnostic_types), cmocka_unit_test(test_inline),
		cmocka_unit_test(test_no_bounce),        cmocka_unit_test(test_challenge),
	};

	return cmocka_run_group_tests(tests, parser_setup, parser_teardown);
}
