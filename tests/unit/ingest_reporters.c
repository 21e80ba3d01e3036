/* SPDX-License-Identifier: Apache-2.0 */
/* Who is believed: every word of an entry counts, and a look-alike of each is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/builtin_reporters.h"
#include "ingest/reporters.h"

#define TABLE                                                                                      \
	"# a comment\n\n"                                                                          \
	"signer dkim=fbl.example from=report@fbl.example envelope=fbl.example types=abuse,fraud\n" \
	"sender\tspf=spf.example networks=192.0.2.0/25,2001:db8::/32 page=https://x.example/\n"    \
	"partial dkim=partial.example envelope=partial.example unsigned=content-type\n"

static struct arena *arena;
static struct reporters *reporters;
static struct authentication authentication;
static struct ip_address peer;

static int setup(void **state)
{
	struct slice error;

	(void)state;
	arena = arena_new(0);
	authentication = (struct authentication){ 0 };
	assert_true(ip_parse(SLICE("192.0.2.9"), &peer));
	assert_int_equal(reporters_parse(SLICE(TABLE), "t", arena, &reporters, &error), OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct slice find(const char *mail_from, const char *type)
{
	const struct reporter_evidence evidence = { &authentication, slice_from_cstr(mail_from),
						    &peer, slice_from_cstr(type) };

	return reporters_find(reporters, &evidence).name;
}

#define assert_finds(name, ...) assert_true(slice_equal(find(__VA_ARGS__), slice_from_cstr(name)))

static void prove_dkim(const char *domain, const char *from)
{
	authentication.dkim[0] =
		(struct auth_dkim){ .result = AUTH_PASS, .domain = slice_from_cstr(domain) };
	authentication.dkim_count = 1;
	authentication.from = slice_from_cstr(from);
}

static void prove_spf(const char *domain, const char *from)
{
	authentication.spf =
		(struct auth_spf){ .result = AUTH_PASS, .domain = slice_from_cstr(domain) };
	authentication.from = slice_from_cstr(from);
}

static void test_a_signer(void **state)
{
	(void)state;
	prove_dkim("fbl.example", "report@fbl.example");
	assert_finds("signer", "bounce@fbl.example", "abuse");
	assert_finds("signer", "bounce@m.fbl.example", "fraud");
	assert_finds("", "bounce@fbl.example", "not-spam");
	assert_finds("", "bounce@fbl.example", "");
	assert_finds("", "bounce@evil.example", "abuse");
	assert_finds("", "", "abuse");
	prove_dkim("fbl.example", "someone@fbl.example");
	assert_finds("", "bounce@fbl.example", "abuse");
	prove_dkim("fbl.example", "");
	assert_finds("", "bounce@fbl.example", "abuse");
}

static struct reporter_proof proof(const char *mail_from)
{
	const struct reporter_evidence evidence = { &authentication, slice_from_cstr(mail_from),
						    &peer, SLICE("abuse") };

	return reporters_find(reporters, &evidence);
}

/* Whether nobody else can have sent it, or only to whom it was addressed. */
static void test_whom_it_was_sent_to(void **state)
{
	(void)state;
	prove_dkim("fbl.example", "report@fbl.example");
	assert_false(proof("bounce@fbl.example").direct);
	assert_false(proof("bounce@fbl.example").signed_to);
	/* of another signature */
	authentication.dkim[1] = (struct auth_dkim){ .result = AUTH_PASS,
						     .domain = SLICE("evil.example"),
						     .to_signed = true };
	authentication.dkim_count = 2;
	assert_false(proof("bounce@fbl.example").signed_to);
	authentication.dkim[0].to_signed = true;
	assert_true(proof("bounce@fbl.example").signed_to);

	authentication.spf =
		(struct auth_spf){ .result = AUTH_PASS, .domain = SLICE("fbl.example") };
	assert_true(proof("bounce@fbl.example").direct);
	authentication.spf.helo = true;
	assert_false(proof("bounce@fbl.example").direct);
	authentication.spf =
		(struct auth_spf){ .result = AUTH_PASS, .domain = SLICE("evil.example") };
	assert_false(proof("bounce@fbl.example").direct);
}

static void test_look_alikes(void **state)
{
	static const char *const domains[] = { "fbl.example.evil", "xfbl.example", "a.fbl.example",
					       "example", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		prove_dkim(domains[i], "report@fbl.example");
		assert_finds("", "bounce@fbl.example", "abuse");
	}
	prove_dkim("fbl.example", "report@fbl.example.evil");
	assert_finds("", "bounce@fbl.example", "abuse");
	prove_dkim("fbl.example", "report@fbl.example");
	assert_finds("", "bounce@fbl.example.evil", "abuse");
}

static void test_other_results_than_pass(void **state)
{
	(void)state;
	for (unsigned i = 0; i < AUTH_RESULT_COUNT; i++) {
		prove_dkim("fbl.example", "report@fbl.example");
		authentication.dkim[0].result = (enum auth_result)i;
		assert_finds(i == AUTH_PASS ? "signer" : "", "bounce@fbl.example", "abuse");
		prove_spf("spf.example", "a@spf.example");
		authentication.spf.result = (enum auth_result)i;
		assert_finds(i == AUTH_PASS ? "sender" : "", "a@spf.example", "abuse");
	}
}

static bool undecided(const char *mail_from, const char *type)
{
	const struct reporter_evidence evidence = { &authentication, slice_from_cstr(mail_from),
						    &peer, slice_from_cstr(type) };

	return reporters_undecided(reporters, &evidence);
}

/* Whatever else keeps the report from being believed, an answer would not change it. */
static void test_only_an_answer_that_matters_is_waited_for(void **state)
{
	(void)state;
	prove_dkim("fbl.example", "report@fbl.example");
	assert_false(undecided("bounce@fbl.example", "abuse")); /* it is proven */
	authentication.dkim[0].result = AUTH_TEMPERROR;
	assert_finds("", "bounce@fbl.example", "abuse");
	assert_true(undecided("bounce@fbl.example", "abuse"));
	assert_true(authentication.dkim[0].result == AUTH_TEMPERROR);
	assert_false(undecided("bounce@fbl.example", "not-spam"));
	assert_false(undecided("bounce@evil.example", "abuse"));
	authentication.from = SLICE("someone@fbl.example");
	assert_false(undecided("bounce@fbl.example", "abuse"));
	prove_dkim("evil.example", "report@fbl.example");
	authentication.dkim[0].result = AUTH_TEMPERROR;
	assert_false(undecided("bounce@fbl.example", "abuse"));
	prove_dkim("fbl.example", "report@fbl.example");
	authentication.dkim[0].result = AUTH_PERMERROR;
	assert_false(undecided("bounce@fbl.example", "abuse"));

	authentication.dkim_count = 0;
	prove_spf("spf.example", "abuse@spf.example");
	authentication.spf.result = AUTH_TEMPERROR;
	assert_true(undecided("bounce@spf.example", "abuse"));
	assert_true(ip_parse(SLICE("198.51.100.9"), &peer));
	assert_false(undecided("bounce@spf.example", "abuse"));
}

static void test_a_sender_in_its_networks(void **state)
{
	(void)state;
	prove_spf("spf.example", "any@m.spf.example");
	assert_finds("sender", "a@spf.example", "abuse");
	assert_true(ip_parse(SLICE("192.0.2.128"), &peer));
	assert_finds("", "a@spf.example", "abuse");
	assert_true(ip_parse(SLICE("2001:db8::1"), &peer));
	assert_finds("sender", "a@spf.example", "abuse");
	authentication.spf.helo = true;
	assert_finds("", "a@spf.example", "abuse");
	prove_spf("m.spf.example", "any@spf.example");
	assert_finds("", "a@m.spf.example", "abuse");
	prove_spf("spf.example", "any@elsewhere.example");
	assert_finds("", "a@spf.example", "abuse");
}

/* Whoever received such a report could send it on with another Content-Type: not from its host. */
static void test_a_signature_without_content_type_needs_its_host(void **state)
{
	(void)state;
	prove_dkim("partial.example", "a@x.partial.example");
	assert_finds("partial", "b@partial.example", "abuse");
	authentication.dkim[0].result = AUTH_POLICY;
	assert_finds("", "b@partial.example", "abuse");
	authentication.dkim[0].direct_only = true;
	assert_finds("", "b@partial.example", "abuse");
	prove_spf("b.partial.example", "a@x.partial.example");
	assert_finds("partial", "b@b.partial.example", "abuse");
	prove_spf("evil.example", "a@x.partial.example");
	assert_finds("", "b@partial.example", "abuse");
	/* only where the entry says so */
	prove_spf("fbl.example", "report@fbl.example");
	prove_dkim("fbl.example", "report@fbl.example");
	assert_finds("signer", "b@fbl.example", "abuse");
	authentication.dkim[0].result = AUTH_POLICY;
	authentication.dkim[0].direct_only = true;
	assert_finds("", "b@fbl.example", "abuse");
}

static void test_lines_that_are_wrong(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "a\n", "t:1: dkim or spf is needed" },
		{ "\na from=x@y.example\n", "t:2: dkim or spf is needed" },
		{ "a dkim=x.example colour=red\n", "t:1: unknown key" },
		{ "a dkim=\n", "t:1: a key without a value" },
		{ "a dkim\n", "t:1: expected key=value" },
		{ "a spf=x.example\n", "t:1: spf needs networks" },
		{ "a dkim=x.example unsigned=from\n", "t:1: unsigned may only be content-type" },
		{ "a dkim=x.example unsigned=content-type\n", "t:1: unsigned needs envelope" },
		{ "a dkim=x.example networks=192.0.2.1\n", "t:1: networks need spf" },
		{ "a spf=x.example networks=192.0.2.1/33\n",
		  "t:1: networks must be like 192.0.2.0/24" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reporters *read = NULL;
		struct slice error;

		assert_int_equal(
			reporters_read(slice_from_cstr(cases[i].text), "t", arena, &read, &error),
			ERR_REFUSE);
		assert_string_equal(arena_cstr(arena, error), cases[i].error);
		assert_null(read);
	}
}

static void test_the_built_in_ones_can_be_replaced_and_taken_out(void **state)
{
	struct slice error;

	(void)state;
	prove_dkim("arf.mail.yahoo.com", "feedback@arf.mail.yahoo.com");
	assert_int_equal(reporters_read(SLICE_NONE, "t", arena, &reporters, &error), OK);
	assert_finds("yahoo", "feedback@arf.mail.yahoo.com", "abuse");
	assert_int_equal(reporters_read(SLICE("yahoo off\n"), "t", arena, &reporters, &error), OK);
	assert_finds("", "feedback@arf.mail.yahoo.com", "abuse");
	assert_int_equal(
		reporters_read(SLICE("yahoo dkim=other.example\n"), "t", arena, &reporters, &error),
		OK);
	assert_finds("", "feedback@arf.mail.yahoo.com", "abuse");
}

/* A list that nobody can check is worth nothing. */
static void test_each_built_in_one_names_its_page_and_date(void **state)
{
	(void)state;
	for (const struct embedded_file *file = EMBEDDED; file->name != NULL; file++) {
		struct slice text = slice_from(file->data, file->size), line;

		while (slice_next_line(&text, &line)) {
			if (slice_empty(line) || line.ptr[0] == '#')
				continue;
			assert_true(slice_find(line, SLICE(" page=http")) > 0);
			assert_true(slice_find(line, SLICE(" checked=20")) > 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_signer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whom_it_was_sent_to, setup, teardown),
		cmocka_unit_test_setup_teardown(test_look_alikes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_results_than_pass, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_an_answer_that_matters_is_waited_for,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_sender_in_its_networks, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_signature_without_content_type_needs_its_host, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lines_that_are_wrong, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_the_built_in_ones_can_be_replaced_and_taken_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_built_in_one_names_its_page_and_date,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
