/* SPDX-License-Identifier: Apache-2.0 */
/* Authentication-Results of a trusted hop, and what others could write that looks like them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/auth_results.h"

#define SIGNATURE                                            \
	"DKIM-Signature: v=1; a=rsa-sha256; d=fbl.example; " \
	"s=s1;\r\n\th=From:Subject:Content-Type; b=x\r\n"
#define REST "From: <a@fbl.example>\r\nSubject: s\r\nContent-Type: text/plain\r\n\r\nbody\r\n"

static struct arena *arena;
static struct authentication found;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	found = (struct authentication){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static bool read_raw(const char *header, const char *rest)
{
	struct header_scan scan = header_scan(arena_printf(arena, "%s%s", header, rest), arena);

	found = (struct authentication){ 0 };
	return auth_results_read(&scan, SLICE("mx.front.example"), arena, &found);
}

/* results: what follows "mx.front.example" in the header. */
static bool read_results(const char *results)
{
	return read_raw(
		arena_printf(arena, "Authentication-Results: mx.front.example%s\r\n", results).ptr,
		SIGNATURE REST);
}

#define assert_dkim(word)                                                          \
	do {                                                                       \
		assert_int_equal(found.dkim_count, 1);                             \
		assert_string_equal(auth_result_word(found.dkim[0].result), word); \
	} while (0)

static void test_what_it_says(void **state)
{
	(void)state;
	assert_true(
		read_results(" 1;\r\n dkim=pass (2048-bit; a key) header.d=FBL.example header.s=s1"
			     " header.b=\"abc;d\";\r\n\tspf=pass (sender (SPF) is \\) authorized)"
			     " smtp.mailfrom=bounce@Fbl.Example;"
			     " dmarc = fail (p=none) header.from=fbl.example policy.dmarc=none"));
	assert_dkim("pass");
	assert_true(slice_equal(found.by, SLICE("mx.front.example")));
	assert_true(slice_equal(found.dkim[0].domain, SLICE("fbl.example")));
	assert_int_equal(found.spf.result, AUTH_PASS);
	assert_true(slice_equal(found.spf.domain, SLICE("fbl.example")));
	assert_int_equal(found.dmarc.result, AUTH_FAIL);
	assert_true(slice_equal(found.dmarc.policy, SLICE("none")));
	assert_true(read_results("; spf=softfail smtp.helo=mx.fbl.example"));
	assert_true(found.spf.helo);
	assert_true(read_results("; none"));
	assert_int_equal(found.spf.result, AUTH_NONE);
	assert_int_equal(found.dkim_count, 0);
	assert_true(read_results("; dkim=pass header.i=@fbl.example"));
	assert_dkim("pass");
}

static void test_only_its_own_topmost_header(void **state)
{
	(void)state;
	assert_false(read_raw(
		"Authentication-Results: mx.evil.example; dkim=pass header.d=fbl.example\r\n",
		SIGNATURE REST));
	assert_false(read_raw("Authentication-Results: mx.front.example.evil; spf=pass\r\n", REST));
	assert_false(read_raw("Authentication-Results: (mx.front.example; spf=pass\r\n", REST));
	assert_false(read_raw("", REST));
	assert_true(read_raw(
		"Authentication-Results: mx.evil.example; dkim=pass header.d=fbl.example\r\n"
		"Authentication-Results: MX.front.example; spf=fail smtp.mailfrom=x.example\r\n"
		"Authentication-Results: mx.front.example; dkim=pass header.d=fbl.example\r\n",
		SIGNATURE REST));
	assert_int_equal(found.spf.result, AUTH_FAIL);
	assert_int_equal(found.dkim_count, 0);
}

/* A sender chooses his own addresses, and some hops quote them in their results. */
static void test_values_cannot_become_statements(void **state)
{
	(void)state;
	assert_true(read_results(
		"; spf=fail smtp.mailfrom=\"a; dkim=pass header.d=fbl.example\"@x.example"));
	assert_int_equal(found.dkim_count, 0);
	assert_int_equal(found.spf.result, AUTH_FAIL);
	assert_true(read_results(
		"; spf=fail (x; dkim=pass header.d=fbl.example) smtp.mailfrom=x.example"));
	assert_int_equal(found.dkim_count, 0);
	assert_true(read_results("; spf=fail reason=\"\\\"; dkim=pass header.d=fbl.example\""));
	assert_int_equal(found.dkim_count, 0);
	assert_true(read_results("; dkim=passed header.d=fbl.example; dkim= header.d=fbl.example"));
	assert_int_equal(found.dkim_count, 0);
}

/* The hop keeps to the RFC; our rules are stricter. */
static void test_the_signature_must_be_one_that_we_would_believe(void **state)
{
	static const char results[] = "Authentication-Results: mx.front.example;"
				      " dkim=pass header.d=fbl.example header.s=s1\r\n";
	static const char *const rest[] = {
		REST,
		"DKIM-Signature: v=1; a=rsa-sha256; d=fbl.example; s=s1; l=0; "
		"h=From:Subject:Content-Type\r\n" REST,
		"DKIM-Signature: v=1; a=rsa-sha1; d=fbl.example; s=s1; "
		"h=From:Subject:Content-Type\r\n" REST,
		"DKIM-Signature: v=1; a=rsa-sha256; d=fbl.example; s=s1; "
		"h=Subject:Content-Type\r\n" REST,
		"DKIM-Signature: v=1; a=rsa-sha256; d=fbl.example; s=s2; "
		"h=From:Subject:Content-Type\r\n" REST,
		SIGNATURE "DKIM-Signature: v=1; a=rsa-sha256; d=fbl.example; s=s1; l=1; "
			  "h=From:Subject\r\n" REST,
		SIGNATURE "From: <b@fbl.example>\r\n" REST,
		SIGNATURE "Content-Type: text/html\r\n" REST,
	};

	(void)state;
	assert_true(read_raw(results, SIGNATURE REST));
	assert_dkim("pass");
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
		assert_true(read_raw(results, rest[i]));
		assert_dkim("policy");
		assert_false(found.dkim[0].direct_only);
	}
	assert_true(read_raw(results, "DKIM-Signature: v=1; a=rsa-sha256; d=fbl.example; s=s1;"
				      " h=From:Subject\r\n" REST));
	assert_dkim("policy");
	assert_true(found.dkim[0].direct_only);
}

static void test_no_more_than_there_is_room_for(void **state)
{
	(void)state;
	assert_true(
		read_results("; dkim=fail; dkim=fail; dkim=fail; dkim=fail; dkim=fail; dkim=fail;"
			     " dkim=fail; spf=pass smtp.mailfrom=a@x.example"));
	assert_int_equal(found.dkim_count, AUTH_DKIM_MAX);
	assert_int_equal(found.spf.result, AUTH_PASS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_it_says, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_its_own_topmost_header, setup, teardown),
		cmocka_unit_test_setup_teardown(test_values_cannot_become_statements, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_the_signature_must_be_one_that_we_would_believe, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_more_than_there_is_room_for, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
