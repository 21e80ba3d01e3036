/* SPDX-License-Identifier: Apache-2.0 */
/* Feedback reports of all generations, their redactions, and the token candidates they bring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/limits.h"
#include "tests/unit/parser_helper.h"

static struct report arf_as(const char *type, const char *fields, const char *original_type,
			    const char *original)
{
	return parse(arena_printf(
		arena,
		"From: fbl@provider.example\n"
		"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n"
		"\n--b\n\nAn abuse report.\n--b\nContent-Type: %s\n\n%s\n"
		"--b\nContent-Type: %s\n\n%s\n--b--\n",
		type, fields, original_type, original));
}

static struct report arf(const char *fields, const char *original)
{
	return arf_as("message/feedback-report", fields, "message/rfc822", original);
}

/* "address address*": a star behind a placeholder */
static struct slice recipients(const struct report *report)
{
	struct slice out = SLICE_NONE;

	for (size_t i = 0; i < report->recipient_count; i++)
		out = arena_printf(arena, "%.*s%s%.*s%s", SLICE_ARG(out), i ? " " : "",
				   SLICE_ARG(report->recipients[i].address),
				   report->recipients[i].redacted ? "*" : "");
	return out;
}

#define ABUSE "Feedback-Type: abuse\nUser-Agent: FBL/1.0\nVersion: 1\n"

static void test_recipients(void **state)
{
	static const struct {
		const char *fields;
		const char *original;
		const char *type;
		const char *recipients;
		const char *why;
	} ROWS[] = {
		{ ABUSE "Original-Rcpt-To: <user@example.com>\n", "To: x@y.example\n\n", "abuse",
		  "user@example.com", "named" },
		{ ABUSE "Original-Rcpt-To: rfc822;user@example.com\n", "", "abuse",
		  "user@example.com", "with a type" },
		{ ABUSE "Original-Rcpt-To: a@x.example\nOriginal-Rcpt-To: b@x.example\n"
			"Original-Rcpt-To: A@x.example\n",
		  "", "abuse", "a@x.example b@x.example", "several, one twice" },
		{ "feedback-type: opt-out\nRemoval-Recipient: user@example.com\n", "", "opt-out",
		  "user@example.com", "opt-out" },
		{ ABUSE "Redacted-Address: redacted\nRedacted-Address: redacted@\n",
		  "To: redacted@example.com\n\n", "abuse", "redacted@example.com*", "redacted" },
		{ ABUSE "Original-Rcpt-To: hashed@example.com\n", "To: user@example.com\n\n",
		  "abuse", "hashed@example.com*", "a placeholder is not replaced" },
		{ ABUSE, "To: <Undisclosed Recipients>\n\n", "abuse", "", "undisclosed" },
		{ ABUSE, "To: user@example.com\n\n", "abuse", "user@example.com",
		  "the only one that the mail was for" },
		{ ABUSE, "To: a@x.example, b@x.example\n\n", "abuse", "", "one of two" },
		{ "Feedback-Type: Auth_Failure\nVersion: 1\nOriginal-Rcpt-To: user@example.com\n",
		  "", "auth-failure", "user@example.com", "RFC 6591" },
		{ "Feedback-Type: not-spam\nOriginal-Rcpt-To: user@example.com\n", "", "not-spam",
		  "user@example.com", "not spam" },
		{ "Abuse-Type: complaint\nOriginal-Rcpt-To: user@example.com\n", "", "abuse",
		  "user@example.com", "the type in an older word" },
		{ "User-Agent: X/1\nVersion: 0.1\n", "", "other", "", "no type at all" },
		{ "Content-Type: text/plain\n\n" ABUSE "Original-Rcpt-To: user@example.com\n", "",
		  "abuse", "user@example.com", "an empty line too many" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct report report = arf(ROWS[i].fields, ROWS[i].original);
		struct slice got = recipients(&report);
		if (report.kind != REPORT_COMPLAINT ||
		    !slice_equal(report.feedback_type, slice_from_cstr(ROWS[i].type)) ||
		    !slice_equal(got, slice_from_cstr(ROWS[i].recipients)))
			fail_msg("%s: %.*s %.*s", ROWS[i].why, SLICE_ARG(report.feedback_type),
				 SLICE_ARG(got));
	}
}

static void test_fields(void **state)
{
	static const char *const HEADER_TYPES[] = { "text/rfc822-headers", "text/rfc822-header",
						    "message/rfc822" };

	(void)state;
	for (size_t i = 0; i < sizeof(HEADER_TYPES) / sizeof(HEADER_TYPES[0]); i++) {
		struct report report =
			arf_as("message/feedback-report",
			       ABUSE "Source-IP: 192.0.2.7\n"
				     "Reporting-MTA: dns; mail.provider.example\n"
				     "Arrival-Date: Thu, 1 Jan 2026 10:00:00 +0000\n",
			       HEADER_TYPES[i],
			       "Message-ID: <m@sender.example>\nSubject: =?utf-8?q?Ne=77s?=\n"
			       "From: News <news@sender.example>\nFeedback-ID: 1:2:3:x\n"
			       "List-Id: <l.sender.example>\n");
		assert_slice(report.format, "arf");
		assert_slice(report.source_ip, "192.0.2.7");
		assert_slice(report.reporting_mta, "mail.provider.example");
		assert_int_equal(report.arrival_date, INT64_C(1767261600000));
		assert_true(report.original.present);
		assert_slice(report.original.message_id, "m@sender.example");
		assert_slice(report.original.subject, "News");
		assert_slice(report.original.from, "News <news@sender.example>");
		assert_slice(report.original.feedback_id, "1:2:3:x");
		assert_slice(report.original.list_id, "<l.sender.example>");
	}
}

static void test_other_type(void **state)
{
	struct report plain = arf_as("text/plain", ABUSE "Original-Rcpt-To: user@example.com\n",
				     "message/rfc822", "To: x@y.example\n\n");
	struct report letter =
		parse(SLICE("From: user@example.com\nSubject: question\n\n"
			    "My provider sends\nFeedback-Type: abuse\nUser-Agent: FBL/1.0\n"));

	(void)state;
	assert_int_equal(plain.kind, REPORT_COMPLAINT);
	assert_slice(recipients(&plain), "user@example.com");
	assert_int_equal(letter.kind, REPORT_NONE);
}

/* Both generations of Microsoft's programme. */
static void test_microsoft(void **state)
{
	static const char OLD[] =
		"From: staff@hotmail.com\n"
		"Subject: complaint about message from 192.0.2.9\n"
		"Content-Type: multipart/mixed; boundary=b\n\n"
		"--b\nContent-Type: message/rfc822\n\n"
		"X-HmXmrOriginalRecipient: user@hotmail.example\n"
		"To: a@x.example, b@x.example\nMessage-ID: <m@sender.example>\n\nbody\n--b--\n";
	struct report old = parse(SLICE(OLD));
	struct report forwarded =
		parse(SLICE("From: user@example.com\nSubject: look\n"
			    "Content-Type: multipart/mixed; boundary=b\n\n"
			    "--b\nContent-Type: message/rfc822\n\n"
			    "X-HmXmrOriginalRecipient: user@hotmail.example\n\nbody\n--b--\n"));
	struct report new = arf("Feedback-Type: abuse\nUser-Agent: JMRP/1.0\nVersion: 1.0\n", "");

	(void)state;
	assert_int_equal(old.kind, REPORT_COMPLAINT);
	assert_slice(old.format, "jmrp");
	assert_slice(old.feedback_type, "abuse");
	assert_slice(old.source_ip, "192.0.2.9");
	assert_slice(recipients(&old), "user@hotmail.example");
	assert_slice(old.original.message_id, "m@sender.example");
	assert_int_equal(forwarded.kind, REPORT_NONE);
	assert_int_equal(new.kind, REPORT_COMPLAINT);
	assert_int_equal(new.recipient_count, 0);
}

#define TOKEN "b-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void assert_candidates(const struct report *report, const char *expected)
{
	static const char *const PLACES[] = { "cfbl", "unsubscribe", "path", "header",
					      "recipient" };
	struct slice out = SLICE_NONE;

	for (size_t i = 0; i < report->candidate_count; i++)
		out = arena_printf(arena, "%.*s%s%s:%.*s", SLICE_ARG(out), i ? " " : "",
				   PLACES[report->candidates[i].place],
				   SLICE_ARG(report->candidates[i].text));
	assert_slice(out, expected);
}

static void test_candidates(void **state)
{
	struct report all = arf(ABUSE "Original-Rcpt-To: " TOKEN "5@x.example\n",
				"Return-Path: <SRS0=ab=cd=x.example=" TOKEN "3@fwd.example>\n"
				"X-Report: " TOKEN "4\nX-Again: " TOKEN "3\nx-other: a" TOKEN "6\n"
				"List-Unsubscribe: <mailto:" TOKEN "2@x.example?subject=u>,\n"
				" <https://x.example/u/" TOKEN "7>\n"
				"CFBL-Feedback-ID: B-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
				"Subject: " TOKEN "2\nX-Short: b-aaaa\n\n");
	struct report field =
		arf(ABUSE "Original-Mail-From: <" TOKEN "@x.example>\n", "Subject: x\n\n");
	struct report none = arf(ABUSE, "Return-Path: <bounce-1@x.example>\n\n");

	(void)state;
	assert_candidates(&all,
			  "cfbl:B-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA unsubscribe:" TOKEN "2 "
			  "unsubscribe:" TOKEN "7 path:" TOKEN "3 header:" TOKEN
			  "4 recipient:" TOKEN "5");
	assert_candidates(&field, "path:" TOKEN);
	assert_slice(field.original.return_path, TOKEN "@x.example");
	assert_int_equal(none.candidate_count, 0);
}

static void test_candidate_limit(void **state)
{
	struct slice headers = SLICE_NONE;

	(void)state;
	for (char a = 'a'; a <= 'z'; a++) {
		for (char b = 'a'; b <= 'c'; b++)
			headers = arena_printf(arena, "%.*sX-T: %s%c%c\n", SLICE_ARG(headers),
					       TOKEN, a, b);
	}
	struct report report = arf(ABUSE, arena_cstr(arena, headers));
	assert_int_equal(report.candidate_count, LIMIT_TOKEN_CANDIDATES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recipients), cmocka_unit_test(test_fields),
		cmocka_unit_test(test_other_type), cmocka_unit_test(test_microsoft),
		cmocka_unit_test(test_candidates), cmocka_unit_test(test_candidate_limit),
	};

	return cmocka_run_group_tests(tests, parser_setup, parser_teardown);
}
