/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts: kind, action, severity, class, where the host comes from, and what wins over what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "parser/verdict.h"

#define COUNT(rows)  (sizeof(rows) / sizeof((rows)[0]))
#define S(text)      SLICE_LITERAL(text)
#define DIAGNOSED(t) .diagnostic = S(t)

static struct rules *rules;

static int setup(void **state)
{
	(void)state;
	rules = rules_builtin();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rules_free(rules);
	return 0;
}

static void test_kinds(void **state)
{
	static const struct {
		enum report_kind kind;
		struct report_recipient recipient;
		enum reason reason;
		enum severity severity;
		enum reason_class class_;
		const char *why;
	} ROWS[] = {
		{ REPORT_BOUNCE,
		  { .status = S("5.1.1") },
		  REASON_USERUNKNOWN,
		  SEVERITY_HARD,
		  CLASS_RECIPIENT,
		  "a bounce by its status" },
		{ REPORT_BOUNCE,
		  { .status = S("5.0.0") },
		  REASON_ONHOLD,
		  SEVERITY_SOFT,
		  CLASS_TRANSIENT,
		  "no rule matches" },
		{ REPORT_BOUNCE,
		  { DIAGNOSED("No") },
		  REASON_ONHOLD,
		  SEVERITY_SOFT,
		  CLASS_TRANSIENT,
		  "no rule matches the words" },
		{ REPORT_BOUNCE,
		  { .reason = REASON_NONE },
		  REASON_UNDEFINED,
		  SEVERITY_SOFT,
		  CLASS_TRANSIENT,
		  "nothing is said" },
		{ REPORT_DELAY,
		  { .reason = REASON_NONE },
		  REASON_EXPIRED,
		  SEVERITY_SOFT,
		  CLASS_TRANSIENT,
		  "a delay without a word" },
		{ REPORT_DELAY,
		  { .status = S("4.2.2") },
		  REASON_MAILBOXFULL,
		  SEVERITY_SOFT,
		  CLASS_RECIPIENT,
		  "a delay with one" },
		{ REPORT_DELAY,
		  { .status = S("4.1.1") },
		  REASON_USERUNKNOWN,
		  SEVERITY_SOFT,
		  CLASS_RECIPIENT,
		  "what is still tried is never hard" },
		{ REPORT_BOUNCE,
		  { .status = S("5.1.1"), .action = ACTION_DELAYED },
		  REASON_USERUNKNOWN,
		  SEVERITY_SOFT,
		  CLASS_RECIPIENT,
		  "a delayed recipient among failed ones" },
		{ REPORT_BOUNCE,
		  { .status = S("2.1.5"), .action = ACTION_DELIVERED },
		  REASON_DELIVERED,
		  SEVERITY_NONE,
		  CLASS_NONE,
		  "a delivered one among them" },
		{ REPORT_BOUNCE,
		  { .action = ACTION_RELAYED },
		  REASON_DELIVERED,
		  SEVERITY_NONE,
		  CLASS_NONE,
		  "relayed" },
		{ REPORT_BOUNCE,
		  { .action = ACTION_EXPANDED },
		  REASON_DELIVERED,
		  SEVERITY_NONE,
		  CLASS_NONE,
		  "expanded" },
		{ REPORT_DELIVERED,
		  { .reason = REASON_NONE },
		  REASON_DELIVERED,
		  SEVERITY_NONE,
		  CLASS_NONE,
		  "a success report" },
		{ REPORT_COMPLAINT,
		  { .status = S("5.1.1") },
		  REASON_FEEDBACK,
		  SEVERITY_NONE,
		  CLASS_NONE,
		  "a complaint" },
		{ REPORT_AUTOREPLY,
		  { .reason = REASON_NONE },
		  REASON_VACATION,
		  SEVERITY_NONE,
		  CLASS_NONE,
		  "an auto-reply" },
		{ REPORT_NONE,
		  { .status = S("5.1.1") },
		  REASON_NONE,
		  SEVERITY_NONE,
		  CLASS_NONE,
		  "no report at all" },
		{ REPORT_CHALLENGE,
		  { .status = S("5.1.1") },
		  REASON_NONE,
		  SEVERITY_NONE,
		  CLASS_NONE,
		  "a challenge" },
		{ REPORT_BOUNCE,
		  { .reason = REASON_MAILBOXFULL, .rule = S("reader/x"), .status = S("5.1.1") },
		  REASON_MAILBOXFULL,
		  SEVERITY_SOFT,
		  CLASS_RECIPIENT,
		  "what the reader said stays" },
		{ REPORT_BOUNCE,
		  { .reply_code = S("550"),
		    .status = S("4.4.7"),
		    DIAGNOSED("does not accept mail") },
		  REASON_NOTACCEPT,
		  SEVERITY_HARD,
		  CLASS_RECIPIENT,
		  "5xx decides over 4.x.x" },
		{ REPORT_BOUNCE,
		  { .reply_code = S("421"), DIAGNOSED("does not accept mail") },
		  REASON_NOTACCEPT,
		  SEVERITY_SOFT,
		  CLASS_RECIPIENT,
		  "not for good" },
		{ REPORT_BOUNCE,
		  { DIAGNOSED("Domain shop.example does not accept mail (nullMX)") },
		  REASON_NOTACCEPT,
		  SEVERITY_HARD,
		  CLASS_RECIPIENT,
		  "final without any code" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		struct report_recipient recipient = ROWS[i].recipient;

		verdict_recipient(rules, SLICE("rfc3464"), ROWS[i].kind, &recipient);
		if (recipient.reason != ROWS[i].reason || recipient.severity != ROWS[i].severity ||
		    recipient.class_ != ROWS[i].class_)
			fail_msg("%s: %s %s %s", ROWS[i].why, reason_word(recipient.reason),
				 severity_word(recipient.severity),
				 reason_class_word(recipient.class_));
	}
}

/* What senders must never lose an address over, and what they must. */
static void test_replies(void **state)
{
	static const struct {
		struct report_recipient recipient;
		enum reason reason;
		const char *why;
	} ROWS[] = {
		{ { DIAGNOSED("host mail.protection.outlook.com[192.0.2.1] said: 550 5.4.1 "
			      "Recipient address rejected: Access denied.") },
		  REASON_USERUNKNOWN,
		  "Microsoft's word for it; the host is in the text" },
		{ { .remote_mta = S("x.mail.protection.outlook.com"),
		    DIAGNOSED("550 5.4.1 All recipient addresses rejected : Access denied") },
		  REASON_USERUNKNOWN,
		  "the same, another wording, the host in Remote-MTA" },
		{ { DIAGNOSED("550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. "
			      "part of their network is on our block list (S3150).") },
		  REASON_BLOCKED,
		  "S3150 is about the IP address" },
		{ { .command = S("MAIL"), DIAGNOSED("550 5.1.0 Sender rejected") },
		  REASON_REJECTED,
		  "a rejected sender is no unknown user" },
		{ { .command = S("RCPT"),
		    DIAGNOSED("550 5.1.1 <a@b.example>: Sender address rejected: User unknown") },
		  REASON_REJECTED,
		  "not even with these words" },
		{ { .address = S("a@gmail.com"),
		    DIAGNOSED("421-4.7.28 Gmail has detected an unusual rate of email") },
		  REASON_RATELIMITED,
		  "rate" },
		{ { .address = S("a@gmail.com"),
		    DIAGNOSED("550-5.7.26 This mail is "
			      "unauthenticated") },
		  REASON_AUTHFAILURE,
		  "authentication" },
		{ { .address = S("a@gmail.com"), DIAGNOSED("421-4.7.29 no TLS") },
		  REASON_FAILEDSTARTTLS,
		  "TLS" },
		{ { .address = S("a@yahoo.com"),
		    DIAGNOSED("421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due "
			      "to unexpected volume or user complaints - 4.16.55.1") },
		  REASON_BADREPUTATION,
		  "TSS04" },
		{ { .address = S("a@yahoo.com"),
		    DIAGNOSED("553 5.7.2 [TSS09] All messages from 192.0.2.1 will be permanently "
			      "deferred") },
		  REASON_BLOCKED,
		  "TSS09" },
		{ { .command = S("RCPT"), DIAGNOSED("550 User unknown") },
		  REASON_USERUNKNOWN,
		  "at RCPT it is the user" },
		{ { DIAGNOSED("550 User unknown") }, REASON_FILTERED, "it may be a filter" },
		{ { .command = S("DATA"), DIAGNOSED("550 User unknown") },
		  REASON_FILTERED,
		  "after DATA it is" },
		{ { .status = S("4.4.7"),
		    DIAGNOSED("message expired; last reply: 452 4.2.2 "
			      "over quota") },
		  REASON_MAILBOXFULL,
		  "expired takes the reason of the reply it quotes" },
		{ { .status = S("4.4.7"), DIAGNOSED("450 4.7.1 Greylisted") },
		  REASON_RATELIMITED,
		  "the same by status" },
		{ { .status = S("4.4.7") }, REASON_EXPIRED, "which it is when there is none" },
		{ { .command = S("RCPT"),
		    DIAGNOSED("550 5.1.1 <mailbox.full.spam@a.example>: User unknown") },
		  REASON_USERUNKNOWN,
		  "words within an address decide nothing" },
		{ { .command = S("RCPT"),
		    DIAGNOSED("554 5.7.1 <a@b.example>: Recipient address "
			      "rejected: blocked using bl.example") },
		  REASON_BLOCKED,
		  "a recipient rejected for the sender's sake" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		struct report_recipient recipient = ROWS[i].recipient;

		verdict_recipient(rules, SLICE("x"), REPORT_BOUNCE, &recipient);
		if (recipient.reason != ROWS[i].reason)
			fail_msg("%s: %s by %.*s", ROWS[i].why, reason_word(recipient.reason),
				 SLICE_ARG(recipient.rule));
	}
}

static void test_evidence(void **state)
{
	struct report_recipient recipient = { DIAGNOSED("550 5.2.2 Mailbox  Full") };

	(void)state;
	verdict_recipient(rules, SLICE("x"), REPORT_BOUNCE, &recipient);
	assert_true(slice_equal(recipient.rule, SLICE("words/mailbox-full")));
	assert_true(slice_equal(recipient.matched, SLICE("Mailbox  Full")));
	recipient = (struct report_recipient){ .status = S("5.1.6") };
	verdict_recipient(rules, SLICE("x"), REPORT_BOUNCE, &recipient);
	assert_true(slice_equal(recipient.matched, SLICE("5.1.6")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_evidence),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
