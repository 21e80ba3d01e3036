/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, status codes, times, UUIDs, hashes, reasons, providers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/address.h"
#include "core/hash.h"
#include "core/provider.h"
#include "core/reason.h"
#include "core/status.h"
#include "core/timestamp.h"
#include "core/uuid.h"

static int setup(void **state)
{
	*state = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static void assert_slice(struct slice s, const char *expected)
{
	assert_int_equal(s.len, strlen(expected));
	assert_memory_equal(s.ptr, expected, s.len);
}

static void test_address_normal_form(void **state)
{
	static const struct {
		const char *text, *normal;
	} cases[] = {
		{ "User@EXAMPLE.com", "user@example.com" },
		{ "<User@example.com.>", "user@example.com" },
		{ "\"user\"@example.com", "user@example.com" }, /* needless quotes */
		{ "\"a b\"@example.com", "\"a b\"@example.com" },
		{ "\"a@b\"@example.com", "\"a@b\"@example.com" },
		{ "user+tag@gmail.com", "user+tag@gmail.com" }, /* no folding of tags or dots */
		{ "u.s.er@gmail.com", "u.s.er@gmail.com" },
		{ "user@[192.0.2.1]", "user@[192.0.2.1]" },
		{ "user@B\xC3\xBC"
		  "cher.example",
		  "user@xn--bcher-kva.example" },
		{ "user@xn--bcher-kva.example", "user@xn--bcher-kva.example" },
		{ "user@fa\xC3\x9F.example", "user@xn--fa-hia.example" }, /* sharp s stays itself */
		{ "\xE2\x84\xAA@example.com",
		  "\xE2\x84\xAA@example.com" },                     /* KELVIN SIGN is not k */
		{ "\xC4\xB0@example.com", "\xC4\xB0@example.com" }, /* dotted capital I */
		{ ".dots..kept.@example.com", ".dots..kept.@example.com" },
		{ "no-domain@", "" },
		{ "@example.com", "" },
		{ "plain", "" },
		{ "", "" },
		{ "a b@example.com", "" },
		{ "a@exa mple.com", "" },
		{ "a@example..com", "" },
		{ "a@example.com..", "" },
		{ "\"a\tb\"@example.com", "" }, /* white space, but no space */
		{ "a@[192.0.2.1\n]", "" },
		{ "a@[]", "" },
		{ "\"open@example.com", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_slice(address_normalise(*state, slice_from_cstr(cases[i].text)),
			     cases[i].normal);
}

static void test_status_parse(void **state)
{
	struct status_code status;

	(void)state;
	assert_true(status_parse(SLICE("5.1.10"), &status));
	assert_int_equal(status.class_, 5);
	assert_int_equal(status.subject, 1);
	assert_int_equal(status.detail, 10);
	assert_false(status_parse(SLICE("5.1.1 "), &status));
	assert_false(status_parse(SLICE("3.1.1"), &status));
	assert_false(status_parse(SLICE("5.1"), &status));
	assert_false(status_parse(SLICE("5.1.1000"), &status));
}

static void test_codes_in_running_text(void **state)
{
	static const struct {
		const char *text, *status, *reply;
	} cases[] = {
		{ "550 5.1.1 unknown", "5.1.1", "550" },
		{ "550-5.7.26 This mail", "5.7.26", "550" },
		{ "said: 452-4.2.2 The email", "4.2.2", "452" },
		{ "(#5.1.1)", "5.1.1", "" },
		{ "user unknown. 5.1.1.", "5.1.1", "" },
		{ "host 5.1.1.2 said no", "", "" }, /* an address */
		{ "host[192.5.1.1] said", "", "" },
		{ "version 5.1.1a", "", "" },
		{ "15.1.1 x", "", "" },
		{ "port 550x or 5500", "", "" },
		{ "mail-550.example", "", "" },
		{ "250 ok then 554 no", "", "554" },
		{ "250 ok", "", "250" },
		{ "550: 5.7.1 denied", "5.7.1", "550" },
		{ "580 none", "", "" },
		{ "571 Delivery not authorized", "", "571" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_slice(status_find(slice_from_cstr(cases[i].text)), cases[i].status);
		assert_slice(reply_code_find(slice_from_cstr(cases[i].text)), cases[i].reply);
	}
}

static void test_rfc3339(void **state)
{
	char text[TIME_TEXT_LEN + 1];
	int64_t ms;

	(void)state;
	assert_true(time_parse_rfc3339(SLICE("2026-02-28T23:59:59.5+01:00"), &ms));
	time_format_rfc3339(ms, text);
	assert_string_equal(text, "2026-02-28T22:59:59.500Z");
	assert_true(time_parse_rfc3339(SLICE("2024-02-29"), &ms));
	time_format_rfc3339(ms, text);
	assert_string_equal(text, "2024-02-29T00:00:00.000Z");
	time_format_rfc3339(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999Z");
	static const char *const wrong[] = { "2026-02-30",
					     "2026-13-01",
					     "2026-01-01T24:00:00Z",
					     "2026-01-01T00:00:00",
					     "2026-01-01T00:00:00.Z",
					     "2026-01-01Z",
					     "",
					     "26-01-01",
					     "2026-1-1" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(time_parse_rfc3339(slice_from_cstr(wrong[i]), &ms));
}

static void test_rfc3339_round_trip(void **state)
{
	(void)state;
	for (int64_t ms = -62135596800000; ms < 253402300799999; ms += 97 * TIME_DAY_MS + 12345) {
		char text[TIME_TEXT_LEN + 1];
		int64_t again;

		time_format_rfc3339(ms, text);
		assert_true(time_parse_rfc3339(slice_from_cstr(text), &again));
		assert_true(ms == again);
	}
}

static void test_rfc5322(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "Thu, 9 Apr 2026 23:34:45 +0900 (JST)", "2026-04-09T14:34:45.000Z" },
		{ "9 Apr 2026 23:34 GMT", "2026-04-09T23:34:00.000Z" },
		{ "Thu,  9 Apr 98 23:34:45 EST", "1998-04-10T04:34:45.000Z" },
		{ "Thu, 29 Apr 2008 23:34:45 +0000 (GMT)", "2008-04-29T23:34:45.000Z" },
		{ "Mon, 1-Jan-2024 00:00:00 -0330", "2024-01-01T03:30:00.000Z" },
		{ "Tue, 23 Dec 2014 20:39:24 +0000\n", "2014-12-23T20:39:24.000Z" },
		{ "Thu, 31 Apr 2026 00:00:00 +0000", NULL },
		{ "yesterday", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[TIME_TEXT_LEN + 1];
		int64_t ms;
		bool read = time_parse_rfc5322(slice_from_cstr(cases[i].text), &ms);

		assert_int_equal(read, cases[i].expected != NULL);
		if (!read)
			continue;
		time_format_rfc3339(ms, text);
		assert_string_equal(text, cases[i].expected);
	}
}

static void test_token_day(void **state)
{
	int64_t ms;

	(void)state;
	assert_true(time_parse_rfc3339(SLICE("2025-01-01"), &ms));
	assert_int_equal(time_token_day(ms), 0);
	assert_int_equal(time_token_day(ms - 1), -1);
	assert_int_equal(time_token_day(ms + 400 * TIME_DAY_MS), 400);
}

static void test_uuid(void **state)
{
	struct uuid first = uuid_v7(1735689600123), second = uuid_v7(1735689600123), parsed;
	char text[UUID_TEXT_LEN + 1];

	(void)state;
	assert_true(uuid_unix_ms(&first) == 1735689600123);
	assert_true(memcmp(first.bytes, second.bytes, 16) < 0);
	uuid_format(&first, text);
	assert_int_equal(text[14], '7');
	assert_true(uuid_parse(slice_from_cstr(text), &parsed));
	assert_memory_equal(parsed.bytes, first.bytes, 16);
	assert_false(uuid_parse(SLICE("0190163d-8694-739b-aea5-966c26f8ad9"), &parsed));
	assert_false(uuid_parse(SLICE("0190163d08694-739b-aea5-966c26f8ad91"), &parsed));
	assert_false(uuid_parse(SLICE("g190163d-8694-739b-aea5-966c26f8ad91"), &parsed));
}

static void test_secretbox(void **state)
{
	uint8_t key[SECRETBOX_KEY_LEN] = { 1 };
	struct buf box, secret;

	(void)state;
	buf_init(&box, 1000);
	buf_init(&secret, 1000);
	secretbox_seal(key, SLICE("context"), SLICE("the secret"), &box);
	assert_int_equal(box.len, 10 + SECRETBOX_OVERHEAD);
	assert_int_equal(secretbox_open(key, SLICE("other"), buf_slice(&box), &secret), ERR_REFUSE);
	assert_int_equal(secretbox_open(key, SLICE("context"), buf_slice(&box), &secret), OK);
	assert_slice(buf_slice(&secret), "the secret");
	box.data[15] ^= 1;
	assert_int_equal(secretbox_open(key, SLICE("context"), buf_slice(&box), &secret),
			 ERR_REFUSE);
	assert_int_equal(secretbox_open(key, SLICE("context"), SLICE("short"), &secret),
			 ERR_REFUSE);
	buf_done(&box);
	buf_done(&secret);
}

static void test_pieces_do_not_run_together(void **state)
{
	const struct slice one[] = { SLICE_LITERAL("ab"), SLICE_LITERAL("c") };
	const struct slice two[] = { SLICE_LITERAL("a"), SLICE_LITERAL("bc") };
	uint8_t first[SHA256_LEN], second[SHA256_LEN];

	(void)state;
	sha256_pieces(one, 2, first);
	sha256_pieces(two, 2, second);
	assert_memory_not_equal(first, second, SHA256_LEN);
}

static void test_reasons(void **state)
{
	enum reason reason;

	(void)state;
	assert_true(reason_from_word(SLICE("userunknown"), &reason));
	assert_int_equal(reason, REASON_USERUNKNOWN);
	assert_true(reason_from_word(SLICE("toomanyconn"), &reason));
	assert_int_equal(reason, REASON_RATELIMITED);
	assert_false(reason_from_word(SLICE(""), &reason));
	assert_false(reason_from_word(SLICE("UserUnknown"), &reason));
	assert_int_equal(reason_severity(REASON_NOTACCEPT, true), SEVERITY_HARD);
	assert_int_equal(reason_severity(REASON_NOTACCEPT, false), SEVERITY_SOFT);
	assert_int_equal(reason_class(REASON_BLOCKED), CLASS_REPUTATION);
	for (unsigned i = 1; i < REASON_COUNT; i++) {
		enum reason again;

		assert_true(reason_from_word(slice_from_cstr(reason_word((enum reason)i)), &again));
		assert_int_equal(again, i);
		/* no reason is blamed on the recipient without being of its class */
		if (reason_severity((enum reason)i, true) == SEVERITY_HARD)
			assert_int_equal(reason_class((enum reason)i), CLASS_RECIPIENT);
	}
}

static void test_providers(void **state)
{
	(void)state;
	assert_slice(provider_of(SLICE("gmail.com"), SLICE_NONE), "google");
	assert_slice(provider_of(SLICE("notgmail.com"), SLICE_NONE), "other");
	assert_slice(provider_of(SLICE("corp.example"), SLICE("ASPMX.L.Google.com.")), "google");
	assert_slice(provider_of(SLICE("yahoo.co.jp"), SLICE_NONE), "yahoo-japan");
	assert_slice(provider_of(SLICE_NONE, SLICE_NONE), "other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_address_normal_form, setup, teardown),
		cmocka_unit_test(test_status_parse),
		cmocka_unit_test(test_codes_in_running_text),
		cmocka_unit_test(test_rfc3339),
		cmocka_unit_test(test_rfc3339_round_trip),
		cmocka_unit_test(test_rfc5322),
		cmocka_unit_test(test_token_day),
		cmocka_unit_test(test_uuid),
		cmocka_unit_test(test_secretbox),
		cmocka_unit_test(test_pieces_do_not_run_together),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_providers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
