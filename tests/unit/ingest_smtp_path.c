/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/smtp_path.h"

/* Compares "501 5.1.3" with the reply; "" is acceptance. */
static void assert_refusal(const struct smtp_reply *reply, const char *want, const char *input)
{
	char got[16] = "";

	if (reply != NULL)
		snprintf(got, sizeof(got), "%u %s", reply->code, reply->enhanced);
	if (strcmp(got, want) != 0)
		fail_msg("%s: got \"%s\", want \"%s\"", input, got, want);
}

static void test_mail(void **state)
{
	static const struct {
		const char *arguments, *refusal, *address;
		uint64_t size;
		bool smtputf8;
	} cases[] = {
		{ "FROM:<>", "", "", 0, false },
		{ "from: <>", "", "", 0, false },
		{ "FROM:<a@b.example>", "", "a@b.example", 0, false },
		{ "FROM:<MAILER-DAEMON>", "", "MAILER-DAEMON", 0, false },
		{ "FROM:<\"a b>\"@b.example>", "", "\"a b>\"@b.example", 0, false },
		{ "FROM:<\"a\\\"b\"@b.example>", "", "\"a\\\"b\"@b.example", 0, false },
		{ "FROM:<a%b!c@[192.0.2.1]>", "", "a%b!c@[192.0.2.1]", 0, false },
		{ "FROM:<..a..@b.example>", "", "..a..@b.example", 0, false },
		{ "FROM:<> SIZE=0 BODY=8BITMIME RET=HDRS ENVID=a+2Bb SMTPUTF8", "", "", 0, true },
		{ "FROM:<>  size=1048576\tbody=7bit", "", "", 1048576, false },
		{ "FROM:<> AUTH=<>", "", "", 0, false },
		{ "FROM:<a@b.example> SIZE=5 AUTH=e+3Dmc2@example.com", "", "a@b.example", 5,
		  false },
		{ "FROM:<\xC3\xBC@b.example> SMTPUTF8", "", "\xC3\xBC@b.example", 0, true },
		{ "FROM:<\xC3\xBC@b.example>", "553 5.6.7", "", 0, false },
		{ "FROM:<\xFF@b.example> SMTPUTF8", "501 5.1.7", "", 0, false },
		{ "", "501 5.5.4", "", 0, false },
		{ "TO:<>", "501 5.5.4", "", 0, false },
		{ "FROM:", "501 5.1.7", "", 0, false },
		{ "FROM:a@b.example", "501 5.1.7", "", 0, false },
		{ "FROM:<a@b.example", "501 5.1.7", "", 0, false },
		{ "FROM:<a@b.example>>", "501 5.1.7", "", 0, false },
		{ "FROM:<>SIZE=1", "501 5.1.7", "", 0, false },
		{ "FROM:<a@>", "501 5.1.7", "", 0, false },
		{ "FROM:<@b.example>", "501 5.1.7", "", 0, false },
		{ "FROM:<@r.example:a@b.example>", "501 5.1.7", "", 0, false },
		{ "FROM:<\"a@b.example>", "501 5.1.7", "", 0, false },
		{ "FROM:<> SIZE=99999999999999999999", "552 5.3.4", "", 0, false },
		{ "FROM:<> SIZE=-1", "501 5.5.4", "", 0, false },
		{ "FROM:<> SIZE=", "501 5.5.4", "", 0, false },
		{ "FROM:<> SIZE", "501 5.5.4", "", 0, false },
		{ "FROM:<> SIZE=1 SIZE=2", "501 5.5.4", "", 0, false },
		{ "FROM:<> SMTPUTF8=1", "501 5.5.4", "", 0, false },
		{ "FROM:<> SMTPUTF8=", "501 5.5.4", "", 0, false },
		{ "FROM:<> BODY=BINARYMIME", "501 5.5.4", "", 0, false },
		{ "FROM:<> RET=ALL", "501 5.5.4", "", 0, false },
		{ "FROM:<> AUTH", "501 5.5.4", "", 0, false },
		{ "FROM:<> AUTH=<> AUTH=<>", "501 5.5.4", "", 0, false },
		{ "FROM:<> FOO=bar", "555 5.5.4", "", 0, false },
		{ "FROM:<> NOTIFY=NEVER", "555 5.5.4", "", 0, false },
		{ "FROM:<> =", "555 5.5.4", "", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct smtp_mail mail;
		const struct smtp_reply *refusal =
			smtp_mail_parse(slice_from_cstr(cases[i].arguments), &mail);

		assert_refusal(refusal, cases[i].refusal, cases[i].arguments);
		if (refusal != NULL)
			continue;
		assert_true(slice_equal(mail.address, slice_from_cstr(cases[i].address)));
		assert_int_equal(mail.size, cases[i].size);
		assert_int_equal(mail.smtputf8, cases[i].smtputf8);
	}
}

static void test_rcpt(void **state)
{
	static const struct {
		const char *arguments, *refusal, *address;
	} cases[] = {
		{ "TO:<b-abc@bounce.example>", "", "b-abc@bounce.example" },
		{ "TO: <b-abc@BOUNCE.example>", "", "b-abc@BOUNCE.example" },
		{ "TO:<v@bounce.example.>", "", "v@bounce.example." },
		{ "TO:<postmaster>", "", "postmaster" },
		{ "TO:<PostMaster>", "", "PostMaster" },
		{ "TO:<a@b.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+40b.example", "",
		  "a@b.example" },
		{ "TO:<a@b.example> notify=never", "", "a@b.example" },
		{ "TO:<@bounce.example:v@victim.example>", "550 5.7.1", "" },
		{ "TO:<@bounce.example,@x.example:v@victim.example>", "550 5.7.1", "" },
		{ "TO:<v%victim.example@bounce.example>", "550 5.7.1", "" },
		{ "TO:<victim.example!v@bounce.example>", "550 5.7.1", "" },
		{ "TO:<\"v@victim.example\"@bounce.example>", "550 5.7.1", "" },
		{ "TO:<\"v%victim.example\"@bounce.example>", "550 5.7.1", "" },
		{ "TO:<v@[127.0.0.1]>", "550 5.7.1", "" },
		{ "TO:<v@[IPv6:::1]>", "550 5.7.1", "" },
		{ "TO:<v@[127.0.0.1>", "501 5.1.3", "" },
		{ "TO:<v@bounce.example@victim.example>", "501 5.1.3", "" },
		{ "TO:<v@>", "501 5.1.3", "" },
		{ "TO:<@bounce.example>", "501 5.1.3", "" },
		{ "TO:<>", "501 5.1.3", "" },
		{ "TO:<abuse>", "501 5.1.3", "" },
		{ "TO:<a b@bounce.example>", "501 5.1.3", "" },
		{ "TO:<a@bounce.example> junk", "555 5.5.4", "" },
		{ "TO:<a@b.example> SIZE=1", "555 5.5.4", "" },
		{ "TO:<a@b.example> AUTH=<>", "555 5.5.4", "" },
		{ "TO:<a@b.example> NOTIFY=SOMETIMES", "501 5.5.4", "" },
		{ "TO:<\xC3\xBC@b.example>", "553 5.6.7", "" },
		{ "FROM:<a@b.example>", "501 5.5.4", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice address;
		const struct smtp_reply *refusal =
			smtp_rcpt_parse(slice_from_cstr(cases[i].arguments), false, &address);

		assert_refusal(refusal, cases[i].refusal, cases[i].arguments);
		if (refusal == NULL)
			assert_true(slice_equal(address, slice_from_cstr(cases[i].address)));
	}
}

static void test_rcpt_with_smtputf8(void **state)
{
	struct slice address;

	(void)state;
	assert_null(smtp_rcpt_parse(SLICE("TO:<\xC3\xBC@b.example>"), true, &address));
	assert_refusal(smtp_rcpt_parse(SLICE("TO:<\xC0\xAF@b.example>"), true, &address),
		       "501 5.1.3", "overlong");
}

static void test_address_length(void **state)
{
	char arguments[1200];
	struct slice address;
	const struct smtp_reply *refusal;

	(void)state;
	for (int domain = 1010; domain <= 1030; domain++) {
		snprintf(arguments, sizeof(arguments), "TO:<a@%0*d>", domain, 0);
		refusal = smtp_rcpt_parse(slice_from_cstr(arguments), false, &address);
		assert_refusal(refusal, domain + 2 <= 1024 ? "" : "501 5.1.3", arguments);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_rcpt),
		cmocka_unit_test(test_rcpt_with_smtputf8),
		cmocka_unit_test(test_address_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
