/* SPDX-License-Identifier: Apache-2.0 */
/* DMARC records, organisational domains, alignment, and the addresses in From that it is about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/dmarc.h"
#include "ingest/header_scan.h"
#include "tests/zone.h"

static struct arena *arena;
static struct zone zone;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	zone.count = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* -- From -- */

static void test_from(void **state)
{
	static const struct {
		const char *header, *address;
	} cases[] = {
		{ "From: a@b.example\r\n", "a@b.example" },
		{ "from : A@B.Example \r\n", "a@b.example" },
		{ "From: Some Name <a@b.example>\r\n", "a@b.example" },
		{ "From: \"a, b; c: d\" (x@y.example) <a@b.example> (c)\r\n", "a@b.example" },
		{ "From: Name\r\n\t<a@b.example>\r\n", "a@b.example" },
		{ "From: =?utf-8?q?=3Cx=40y.example=3E?= <a@b.example>\r\n", "a@b.example" },
		{ "From: a@b.example\r\nFrom: a@b.example\r\n", "" },
		{ "From: a@b.example\r\nFROM: c@d.example\r\n", "" },
		{ "From: a@b.example, c@d.example\r\n", "" },
		{ "From: <a@b.example> <c@d.example>\r\n", "" },
		{ "From: c@d.example <a@b.example>\r\n", "" },
		{ "From: group: a@b.example;\r\n", "" },
		{ "From: \"a@b.example\r\n", "" },
		{ "From: (a@b.example\r\n", "" },
		{ "From: <a@b.example\r\n", "" },
		{ "From: <\"a\"@b.example>\r\n", "" },
		{ "From: <a@b.example@c.example>\r\n", "" },
		{ "From: \xc3\xa9@b.example\r\n", "" },
		{ "From: a@b.example\nX: y\r\n", "" },
		{ "From:\r\n", "" },
		{ "Subject: none\r\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice raw = arena_printf(arena, "%s\r\nbody", cases[i].header);
		struct header_scan scan = header_scan(raw, arena);
		struct slice from = header_scan_address(&scan, SLICE("From"), arena);

		if (!slice_equal(from, slice_from_cstr(cases[i].address)))
			fail_msg("%s gives %.*s", cases[i].header, SLICE_ARG(from));
	}
}

static void test_a_header_that_does_not_end_is_ambiguous(void **state)
{
	static const char *const headers[] = { "",
					       "From: a@b.example",
					       "From: a@b.example\r\n",
					       " folded\r\n\r\n",
					       ": x\r\n\r\n",
					       "a b: c\r\n\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert_true(header_scan(slice_from_cstr(headers[i]), arena).ambiguous);
	struct header_scan scan = header_scan(SLICE("A: b\r\n c\r\n\r\nd\ne"), arena);

	assert_false(scan.ambiguous);
	assert_true(slice_equal(scan.fields[0].value, SLICE(" b\r\n c")));
	assert_true(slice_equal(scan.fields[0].whole, SLICE("A: b\r\n c")));
	assert_true(slice_equal(scan.body, SLICE("d\ne")));
}

static void test_domain_within(void **state)
{
	(void)state;
	assert_true(domain_within(SLICE("Example.com"), SLICE("example.com")));
	assert_true(domain_within(SLICE("a.example.com"), SLICE("example.com")));
	assert_false(domain_within(SLICE("notexample.com"), SLICE("example.com")));
	assert_false(domain_within(SLICE("example.com.evil"), SLICE("example.com")));
	assert_false(domain_within(SLICE("com"), SLICE("example.com")));
	assert_false(domain_within(SLICE("example.com"), SLICE_NONE));
}

/* -- records -- */

static void test_records(void **state)
{
	static const char *const none[] = { "",
					    "v=DMARC1",
					    "v=DMARC1; p=maybe",
					    "p=none; v=DMARC1",
					    "v=dmarc1; p=none",
					    "v=DMARC12; p=none",
					    "v=spf1 -all" };
	struct dmarc_record record;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(dmarc_record_parse(slice_from_cstr(none[i]), &record));
	assert_true(dmarc_record_parse(SLICE("v=DMARC1;p=Reject; adkim=s ;aspf=r;;"), &record));
	assert_true(slice_equal(record.policy, SLICE("Reject")));
	assert_true(slice_equal(record.subdomain_policy, SLICE("Reject")));
	assert_true(record.strict_dkim);
	assert_false(record.strict_spf);
	assert_true(dmarc_record_parse(SLICE("v=DMARC1; p=none; sp=quarantine"), &record));
	assert_true(slice_equal(record.subdomain_policy, SLICE("quarantine")));
}

static void test_organisational_domains(void **state)
{
	static const struct {
		const char *domain, *organisation;
	} cases[] = {
		{ "a.b.example.com", "example.com" },
		{ "example.com", "example.com" },
		{ "com", "com" },
		{ "a.example.co.uk", "example.co.uk" },
		{ "co.uk", "co.uk" },
		{ "a.b.unknown-tld", "b.unknown-tld" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(
			slice_equal(organisational_domain(slice_from_cstr(cases[i].domain), arena),
				    slice_from_cstr(cases[i].organisation)));
	assert_true(dmarc_aligned(SLICE("m.a.co.uk"), SLICE("a.co.uk"), false, arena));
	assert_false(dmarc_aligned(SLICE("m.a.co.uk"), SLICE("a.co.uk"), true, arena));
	assert_false(dmarc_aligned(SLICE("b.co.uk"), SLICE("a.co.uk"), false, arena));
	assert_false(dmarc_aligned(SLICE_NONE, SLICE("a.co.uk"), false, arena));
	assert_false(dmarc_aligned(SLICE("example.com.evil"), SLICE("example.com"), false, arena));
}

/* -- the whole -- */

static struct auth_dmarc check(const struct authentication *authentication)
{
	struct dns_table *table = dns_table_new(arena);
	struct auth_dmarc dmarc;

	do
		dmarc = dmarc_check(authentication, table, arena);
	while (zone_feed(&zone, table, arena));
	assert_int_not_equal(dmarc.result, AUTH_WAITING);
	return dmarc;
}

static struct authentication proven(const char *from, const char *spf, const char *dkim)
{
	struct authentication authentication = { .from = slice_from_cstr(from),
						 .spf = { .result = *spf ? AUTH_PASS : AUTH_FAIL,
							  .domain = slice_from_cstr(spf) } };

	authentication.dkim[0] = (struct auth_dkim){ .result = *dkim ? AUTH_PASS : AUTH_FAIL,
						     .domain = slice_from_cstr(dkim) };
	authentication.dkim_count = 1;
	return authentication;
}

static void test_results(void **state)
{
	static const struct {
		const char *from, *spf, *dkim, *result, *policy;
	} cases[] = {
		{ "a@strict.example", "strict.example", "", "pass", "reject" },
		{ "a@strict.example", "m.strict.example", "", "fail", "reject" },
		{ "a@strict.example", "", "strict.example", "pass", "reject" },
		{ "a@strict.example", "", "m.strict.example", "fail", "reject" },
		{ "a@relaxed.example", "m.relaxed.example", "", "pass", "none" },
		{ "a@relaxed.example", "", "m.relaxed.example", "pass", "none" },
		{ "a@m.relaxed.example", "", "relaxed.example", "pass", "quarantine" },
		{ "a@relaxed.example", "evil.example", "evil.example", "fail", "none" },
		{ "a@other.example", "other.example", "", "none", "" },
		{ "a@twice.example", "twice.example", "", "none", "" },
		{ "a@slow.example", "slow.example", "", "temperror", "" },
		{ "", "relaxed.example", "", "none", "" },
	};

	(void)state;
	zone_add(&zone, SLICE("_dmarc.strict.example"), DNS_TXT,
		 SLICE("v=DMARC1; p=reject; adkim=s; aspf=s"));
	zone_add(&zone, SLICE("_dmarc.relaxed.example"), DNS_TXT,
		 SLICE("v=DMARC1; p=none; sp=quarantine"));
	zone_add(&zone, SLICE("_dmarc.relaxed.example"), DNS_TXT, SLICE("something else"));
	zone_add(&zone, SLICE("_dmarc.twice.example"), DNS_TXT, SLICE("v=DMARC1; p=none"));
	zone_add(&zone, SLICE("_dmarc.twice.example"), DNS_TXT, SLICE("v=DMARC1; p=reject"));
	zone_add(&zone, SLICE("_dmarc.slow.example"), 0, SLICE_NONE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct authentication authentication =
			proven(cases[i].from, cases[i].spf, cases[i].dkim);
		struct auth_dmarc dmarc = check(&authentication);

		if (!slice_equal(slice_from_cstr(auth_result_word(dmarc.result)),
				 slice_from_cstr(cases[i].result)) ||
		    !slice_equal(dmarc.policy, slice_from_cstr(cases[i].policy)))
			fail_msg("case %zu: %s %.*s", i, auth_result_word(dmarc.result),
				 SLICE_ARG(dmarc.policy));
	}
}

static void test_what_is_not_known_is_no_failure(void **state)
{
	struct authentication authentication = proven("a@d.example", "", "");

	(void)state;
	zone_add(&zone, SLICE("_dmarc.d.example"), DNS_TXT, SLICE("v=DMARC1; p=reject"));
	assert_int_equal(check(&authentication).result, AUTH_FAIL);
	authentication.dkim[0].result = AUTH_TEMPERROR;
	assert_int_equal(check(&authentication).result, AUTH_TEMPERROR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_from, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_header_that_does_not_end_is_ambiguous, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_domain_within, setup, teardown),
		cmocka_unit_test_setup_teardown(test_records, setup, teardown),
		cmocka_unit_test_setup_teardown(test_organisational_domains, setup, teardown),
		cmocka_unit_test_setup_teardown(test_results, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_not_known_is_no_failure, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
