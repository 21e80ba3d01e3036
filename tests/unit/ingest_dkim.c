/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DKIM as somebody meets it who would like to be believed: each attack must end in another result
 * than pass, and the honest message beside it in pass, so that the attack is what made the
 * difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/limits.h"
#include "ingest/dkim.h"
#include "tests/signer.h"
#include "tests/zone.h"

#define MESSAGE                                              \
	"From: Reporter <report@fbl.example>\r\n"            \
	"To: fbl@bounce.example\r\n"                         \
	"Subject: complaint\r\n"                             \
	"Content-Type: multipart/report;\r\n boundary=x\r\n" \
	"\r\n"                                               \
	"--x\r\n\r\nhello\r\n--x--\r\n"

static EVP_PKEY *key, *short_key;
static struct arena *arena;
static struct zone zone;
static struct dkim_verifier *verifier;
static struct auth_dkim results[AUTH_DKIM_MAX];
static const char *ALL_HEADERS[] = { "From", "To", "Subject", "Content-Type", NULL };

static int group_setup(void **state)
{
	(void)state;
	key = signer_rsa_key(1024);
	short_key = signer_rsa_key(768);
	verifier = dkim_verifier_new();
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	EVP_PKEY_free(short_key);
	dkim_verifier_free(verifier);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	zone.count = 0;
	zone_add(&zone, SLICE("s1._domainkey.fbl.example"), DNS_TXT, signer_record(key, "", arena));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static size_t verify(struct slice raw)
{
	struct header_scan scan = header_scan(raw, arena);
	struct dns_table *table = dns_table_new(arena);
	size_t count = dkim_verify_message(verifier, &scan, table, arena, results);

	if (zone_feed(&zone, table, arena))
		count = dkim_verify_message(verifier, &scan, table, arena, results);
	assert_null(dns_table_next(table));
	return count;
}

static struct signing honest(void)
{
	return (struct signing){ .domain = "fbl.example",
				 .selector = "s1",
				 .key = key,
				 .algorithm = DKIM_SIGN_RSASHA256,
				 .headers = ALL_HEADERS };
}

static struct slice sign(struct signing signing)
{
	return signer_sign(&signing, SLICE(MESSAGE), arena);
}

#define assert_result(wanted, why)                                                \
	do {                                                                      \
		assert_string_equal(auth_result_word(results[0].result), wanted); \
		assert_true(slice_find(results[0].reason, SLICE(why)) >= 0);      \
	} while (0)

/* The message with `from` replaced by `to`, which must be there. */
static struct slice replace(struct slice raw, const char *from, const char *to)
{
	ptrdiff_t at = slice_find(raw, slice_from_cstr(from));

	assert_true(at >= 0);
	struct slice rest = slice_skip(raw, (size_t)at + strlen(from));

	return arena_printf(arena, "%.*s%s%.*s", (int)at, raw.ptr, to, SLICE_ARG(rest));
}

static void test_an_honest_message_passes(void **state)
{
	(void)state;
	assert_int_equal(verify(sign(honest())), 1);
	assert_result("pass", "");
	assert_true(slice_equal(results[0].domain, SLICE("fbl.example")));
	assert_true(slice_equal(results[0].selector, SLICE("s1")));
	assert_int_equal(verify(SLICE(MESSAGE)), 0);
}

/* Signed once: the library leaks the key when it signs with Ed25519, though not when it verifies.
 */
static void test_ed25519(void **state)
{
	(void)state;
	zone_add(&zone, SLICE("ed._domainkey.fbl.example"), DNS_TXT,
		 SLICE("v=DKIM1; k=ed25519; p=fFvx8BZle1bpJfucOZsDBB+1i3sI66p4C4XYogC/pL8="));
	verify(SLICE("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/simple; d=fbl.example;\r\n"
		     "\ts=ed; t=1795329563; bh=SCy+hn/ZLUFUFA9fpb1LZY6Q5tiIckv0G38fIHSsKKU=;\r\n"
		     "\th=From:To:Subject:Content-Type;\r\n"
		     "\tb=peqEBn7n0HEn2t2s4pkGK5k+ZSpc4Mt/5SnekCpLD8PjRbALvdkldpC/q+MVoXaop\r\n"
		     "\t X8HITy0jmIsfSoOWodzDQ==\r\n" MESSAGE));
	assert_result("pass", "");
}

static void test_changes_fail(void **state)
{
	struct slice raw = sign(honest());

	(void)state;
	verify(replace(raw, "hello", "hullo"));
	assert_result("fail", "changed");
	verify(replace(raw, "report@fbl", "victim@fbl"));
	assert_result("fail", "changed");
	verify(replace(raw, "Subject: complaint", "Subject: complain"));
	assert_result("fail", "changed");
}

static void test_unsigned_fields(void **state)
{
	const char *no_subject[] = { "From", "Content-Type", NULL };
	const char *no_type[] = { "From", "Subject", NULL };
	struct signing signing = honest();

	(void)state;
	signing.headers = no_subject;
	verify(sign(signing));
	assert_result("policy", "Subject is not signed");
	assert_false(results[0].direct_only);
	signing.headers = no_type;
	verify(sign(signing));
	assert_result("policy", "Content-Type is not signed");
	assert_true(results[0].direct_only);
	/* only what verifies is good for anything */
	verify(replace(sign(signing), "hello", "hullo"));
	assert_result("fail", "changed");
	assert_false(results[0].direct_only);
	/* the library refuses to sign without From: the h= of an honest signature is cut */
	verify(replace(sign(honest()), "h=From:", "h="));
	assert_result("policy", "From is not signed");
}

static void test_fields_that_stand_twice(void **state)
{
	static const char *const added[] = { "From: victim@bank.example\r\n",
					     "fRoM : victim@bank.example\r\n", "Subject: other\r\n",
					     "Content-Type: text/plain\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++) {
		struct slice raw = sign(honest());

		verify(arena_printf(arena, "%s%.*s", added[i], SLICE_ARG(raw)));
		assert_result("policy", "twice");
		verify(replace(raw, "\r\n\r\n", arena_printf(arena, "\r\n%s\r\n", added[i]).ptr));
		assert_result("policy", "twice");
	}
}

static void test_headers_that_readers_could_split_elsewhere(void **state)
{
	static const char *const hidden[] = { "Subject: complaint\nFrom: victim@bank.example\r\n",
					      "Subject: complaint\rFrom: victim@bank.example\r\n",
					      "no colon in this line\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		verify(replace(sign(honest()), "Subject: complaint\r\n", hidden[i]));
		assert_result("policy", "two ways");
	}
}

static void test_a_part_of_the_body(void **state)
{
	struct signing signing = honest();

	(void)state;
	signing.part = true;
	verify(sign(signing));
	assert_result("policy", "part of the body");
	verify(replace(sign(honest()), "; c=", "; l=0; c="));
	assert_result("policy", "part of the body");
}

static void test_weak_algorithms_and_keys(void **state)
{
	struct signing signing = honest();

	(void)state;
	signing.algorithm = DKIM_SIGN_RSASHA1;
	verify(sign(signing));
	assert_result("policy", "weak");
	signing = honest();
	signing.key = short_key;
	signing.selector = "short";
	zone_add(&zone, SLICE("short._domainkey.fbl.example"), DNS_TXT,
		 signer_record(short_key, "", arena));
	verify(sign(signing));
	assert_result("policy", "too short");
	signing = honest();
	signing.selector = "testing";
	zone_add(&zone, SLICE("testing._domainkey.fbl.example"), DNS_TXT,
		 signer_record(key, "t=y; ", arena));
	verify(sign(signing));
	assert_result("policy", "for tests");
}

static void test_keys_that_are_none(void **state)
{
	struct signing signing = honest();

	(void)state;
	signing.selector = "missing";
	verify(sign(signing));
	assert_result("permerror", "");
	signing.selector = "revoked";
	zone_add(&zone, SLICE("revoked._domainkey.fbl.example"), DNS_TXT,
		 SLICE("v=DKIM1; k=rsa; p="));
	verify(sign(signing));
	assert_result("permerror", "");
	signing.selector = "slow";
	zone_add(&zone, SLICE("slow._domainkey.fbl.example"), 0, SLICE_NONE);
	verify(sign(signing));
	assert_result("temperror", "DNS");
	signing.selector = "several";
	for (int i = 0; i < 2; i++)
		zone_add(&zone, SLICE("several._domainkey.fbl.example"), DNS_TXT,
			 signer_record(key, "", arena));
	verify(sign(signing));
	assert_result("permerror", "");
	/* another's key does not sign for this domain */
	signing = honest();
	signing.selector = "other";
	zone_add(&zone, SLICE("other._domainkey.fbl.example"), DNS_TXT,
		 signer_record(short_key, "", arena));
	verify(sign(signing));
	assert_result("fail", "");
}

static void test_signatures_do_not_help_each_other(void **state)
{
	struct signing signing = honest();
	struct slice raw = replace(sign(honest()), "s=s1", "s=missing");

	(void)state;
	raw = signer_sign(&signing, raw, arena);
	assert_int_equal(verify(raw), 2);
	assert_int_equal(results[0].result, AUTH_PASS);
	assert_int_equal(results[1].result, AUTH_PERMERROR);
	for (int i = 0; i < 8; i++)
		raw = signer_sign(&signing, raw, arena);
	assert_int_equal(verify(raw), AUTH_DKIM_MAX);
}

static void test_broken_signatures(void **state)
{
	static const char *const values[] = { "",
					      "v=1",
					      "v=1; a=rsa-sha256; h=From:Subject; d=; s=",
					      "a=rsa-sha256;h=From:Subject;d=fbl.example;s=s1",
					      "v=1;a=rsa-sha256;h=From:Subject;d=..;s=.;b=;bh=",
					      ";;;=;=",
					      "v=1; a=rsa-sha256; a=rsa-sha256" };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		assert_int_equal(
			verify(arena_printf(arena, "DKIM-Signature: %s\r\n" MESSAGE, values[i])),
			1);
		assert_true(results[0].result == AUTH_POLICY ||
			    results[0].result == AUTH_PERMERROR);
	}
}

static void test_a_body_that_is_too_large(void **state)
{
	struct slice raw = sign(honest());
	char *large = arena_alloc(arena, raw.len + LIMIT_DKIM_BODY + 1);

	(void)state;
	memcpy(large, raw.ptr, raw.len);
	memset(large + raw.len, 'x', LIMIT_DKIM_BODY);
	verify(slice_from(large, raw.len + LIMIT_DKIM_BODY));
	assert_result("policy", "too large");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_an_honest_message_passes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ed25519, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changes_fail, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unsigned_fields, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fields_that_stand_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_headers_that_readers_could_split_elsewhere,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_part_of_the_body, setup, teardown),
		cmocka_unit_test_setup_teardown(test_weak_algorithms_and_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys_that_are_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signatures_do_not_help_each_other, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_broken_signatures, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_body_that_is_too_large, setup, teardown),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
