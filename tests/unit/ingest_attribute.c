/* SPDX-License-Identifier: Apache-2.0 */
/* Whose report it is, how far it is trusted, and what it does: as an attacker would try it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/authentication.h"
#include "core/timestamp.h"
#include "ingest/attribute.h"

#define NOW INT64_C(1790000000000) /* 2026-09-21 */

/* Account 1 owns bounce.example, which takes legacy return paths; account 2 observes; account 3
 * accepts unverified reports. */
static struct directory directory;
static struct directory_account accounts[] = {
	{ 0, ACCOUNT_ENFORCE, false },
	{ 1, ACCOUNT_ENFORCE, false },
	{ 2, ACCOUNT_OBSERVE, false },
	{ 3, ACCOUNT_ENFORCE, true },
};
static struct directory_token_key keys[] = {
	{ 1, 1, TOKEN_KEY_CURRENT, "key of account one, 32 bytes...." },
	{ 1, 2, TOKEN_KEY_REVOKED, "a revoked key, 32 bytes ........" },
	{ 2, 1, TOKEN_KEY_CURRENT, "key of account two, 32 bytes...." },
};

static struct directory_domain domains[] = {
	{ SLICE_LITERAL("bounce.example"), 1, REJECT_INVALID_ACCEPT, NULL, 0 },
};
static struct directory_pattern patterns[] = {
	{ .domain = SLICE_LITERAL("bounce.example"),
	  .number = 1,
	  .template_ = SLICE_LITERAL("verp+{local}={domain}"),
	  .expires_at = NOW + 1 },
	{ .domain = SLICE_LITERAL("bounce.example"),
	  .number = 2,
	  .template_ = SLICE_LITERAL("ref-{ref}"),
	  .expires_at = NOW + 1 },
	{ .domain = SLICE_LITERAL("bounce.example"),
	  .number = 3,
	  .template_ = SLICE_LITERAL("{hmac}+{local}={domain}"),
	  .covers = SLICE_LITERAL("{local}@{domain}"),
	  .algorithm = PATTERN_HMAC_SHA256,
	  .mac_digits = 10,
	  .secret = "secret",
	  .secret_len = 6,
	  .expires_at = TIME_NONE },
};

static struct arena *arena;
static struct inbound inbound;
static struct inbound_recipient envelope[2];
static struct report report;
static struct report_recipient recipient;
static struct token_candidate candidate;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	directory = (struct directory){ .accounts = accounts,
					.account_count = 4,
					.domains = domains,
					.domain_count = 1,
					.patterns = patterns,
					.pattern_count = 3,
					.keys = keys,
					.key_count = 3 };
	directory_finish(&directory);
	memset(envelope, 0, sizeof(envelope));
	envelope[0] = (struct inbound_recipient){ .address = SLICE("fbl@bounce.example"),
						  .basis = RECIPIENT_ROLE,
						  .account_id = 1 };
	inbound = (struct inbound){ .received_at = NOW,
				    .recipients = envelope,
				    .recipient_count = 1 };
	buf_init(&inbound.raw, 1000);
	buf_append_cstr(&inbound.raw, "the message");
	recipient = (struct report_recipient){
		.address = SLICE("user@example.com"),
		.original = SLICE_NONE,
		.status = SLICE("5.1.1"),
		.reply_code = SLICE("550"),
		.remote_mta = SLICE_NONE,
		.diagnostic = SLICE("550 5.1.1 unknown"),
		.action = ACTION_FAILED,
		.reason = REASON_USERUNKNOWN,
		.severity = SEVERITY_HARD,
		.class_ = CLASS_RECIPIENT,
	};
	report = (struct report){ .kind = REPORT_BOUNCE,
				  .recipients = &recipient,
				  .recipient_count = 1,
				  .arrival_date = TIME_NONE,
				  .date = TIME_NONE,
				  .message_id = SLICE("one@mta.example") };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_done(&inbound.raw);
	arena_free(arena);
	return 0;
}

static struct token mint(uint64_t account, uint8_t key_id, const char *address, int age_days,
			 struct slice *ret_text)
{
	struct token token = { .kind = TOKEN_BOUNCE,
			       .key_id = key_id,
			       .account = account,
			       .campaign = 5,
			       .ref = 77,
			       .issue_day = (uint16_t)(time_token_day(NOW) - age_days) };
	const uint8_t *secret = NULL;

	for (size_t i = 0; i < 3; i++)
		if (keys[i].account_id == account && keys[i].key_id == key_id)
			secret = keys[i].secret;
	if (address != NULL)
		token_commit(&token, secret, arena, slice_from_cstr(address));
	assert_int_equal(token_mint(&token, secret, arena, ret_text), OK);
	return token;
}

static void to_token(uint64_t account, const char *committed, int age_days)
{
	struct slice text;

	envelope[0] = (struct inbound_recipient){ .basis = RECIPIENT_TOKEN, .account_id = account };
	envelope[0].token = mint(account, 1, committed, age_days, &text);
	envelope[0].address = arena_printf(arena, "%.*s@bounce.example", SLICE_ARG(text));
}

static struct filing_event only_event(void)
{
	struct filings filings = attribute(&inbound, &report, &directory, arena);

	assert_int_equal(filings.count, 1);
	assert_int_equal(filings.items[0].event_count, 1);
	return filings.items[0].events[0];
}

static void assert_slice(struct slice s, const char *expected)
{
	assert_int_equal(s.len, strlen(expected));
	assert_memory_equal(s.ptr, expected, s.len);
}

static void test_token_that_fits_suppresses_the_address(void **state)
{
	(void)state;
	to_token(1, "User@example.com", 3);
	struct filing_event event = only_event();

	assert_int_equal(event.trust, TRUST_VERIFIED);
	assert_int_equal(event.effect, EFFECT_SUPPRESS);
	assert_true(event.suppress_address && event.attributed && !event.late);
	assert_slice(event.address, "user@example.com");
	assert_slice(event.ref, "77");
	assert_int_equal(event.campaign, 5);
	assert_slice(event.stream, "all");
	assert_slice(event.policy, "default/userunknown");
}

static void test_token_without_commitment_speaks_for_its_ref_only(void **state)
{
	(void)state;
	to_token(1, NULL, 3);
	struct filing_event event = only_event();

	assert_int_equal(event.trust, TRUST_VERIFIED);
	assert_int_equal(event.effect, EFFECT_SUPPRESS);
	assert_false(event.suppress_address);
	assert_slice(event.ref, "77");
}

static void test_another_final_recipient_is_a_forward(void **state)
{
	(void)state;
	to_token(1, "original@example.net", 3);
	struct filing_event event = only_event();

	assert_int_equal(event.trust, TRUST_FORWARDED);
	assert_int_equal(event.effect, EFFECT_NONE);
	assert_int_equal(event.address.len, 0);

	recipient.original = SLICE("Original@Example.NET");
	event = only_event();
	assert_int_equal(event.trust, TRUST_VERIFIED);
	assert_int_equal(event.effect, EFFECT_SUPPRESS);
	assert_slice(event.address, "original@example.net");
}

/* Whatever the event does; only what is bound to the token is believed. */
static void test_who_names_the_address_of_a_ref(void **state)
{
	(void)state;
	to_token(1, "user@example.com", 3);
	assert_true(only_event().names_ref);
	recipient.action = ACTION_DELAYED;
	assert_true(only_event().names_ref);
	assert_int_equal(only_event().effect, EFFECT_NONE);
	recipient.action = ACTION_DELIVERED; /* too many to look for */
	assert_false(only_event().names_ref);
	recipient.action = ACTION_FAILED;
	recipient.redacted = true;
	assert_false(only_event().names_ref);
	recipient.redacted = false;

	to_token(1, "user@example.com", 15);
	assert_true(only_event().late);
	assert_false(only_event().names_ref);
	to_token(2, "user@example.com", 3); /* observes */
	assert_false(only_event().names_ref);
	to_token(1, NULL, 3);
	assert_false(only_event().names_ref);
	to_token(1, "other@example.com", 3);
	assert_false(only_event().names_ref);
	inbound.trusted = true; /* may name anybody, but not say whose ref it is */
	assert_true(only_event().suppress_address);
	assert_false(only_event().names_ref);
	recipient.original = SLICE("other@example.com");
	assert_true(only_event().names_ref);
}

static void test_redacted_recipient_leaves_the_ref(void **state)
{
	(void)state;
	to_token(1, "user@example.com", 3);
	recipient.address = SLICE("redacted@example.com");
	recipient.redacted = true;
	struct filing_event event = only_event();

	assert_int_equal(event.trust, TRUST_VERIFIED);
	assert_int_equal(event.effect, EFFECT_SUPPRESS);
	assert_false(event.suppress_address);
	assert_int_equal(event.address.len, 0);
	assert_slice(event.ref, "77");
}

static void test_without_a_token_nothing_is_suppressed(void **state)
{
	(void)state;
	struct filing_event event = only_event();

	assert_int_equal(event.trust, TRUST_UNVERIFIED);
	assert_int_equal(event.effect, EFFECT_NONE);
	assert_int_equal(event.recipient_domain.len, 0); /* outsiders make no roll-up rows */
	envelope[0].account_id = 3;                      /* has said that it accepts such */
	event = only_event();
	assert_int_equal(event.trust, TRUST_UNVERIFIED);
	assert_int_equal(event.effect, EFFECT_SUPPRESS);
	assert_slice(event.address, "user@example.com");
}

static void test_age_goes_by_what_arrived(void **state)
{
	static const struct {
		enum report_kind kind;
		int age;
		bool late;
	} cases[] = {
		{ REPORT_BOUNCE, 14, false },       { REPORT_BOUNCE, 15, true },
		{ REPORT_COMPLAINT, 400, false },   { REPORT_COMPLAINT, 401, true },
		{ REPORT_UNSUBSCRIBE, 600, false },
	};

	(void)state;
	report.feedback_type = SLICE("abuse");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		report.kind = cases[i].kind;
		to_token(1, "user@example.com", cases[i].age);
		struct filing_event event = only_event();

		assert_int_equal(event.late, cases[i].late);
		assert_int_equal(event.effect, cases[i].late ? EFFECT_NONE : EFFECT_SUPPRESS);
	}
}

static void test_observing_changes_nothing(void **state)
{
	(void)state;
	to_token(2, "user@example.com", 1);
	assert_int_equal(only_event().effect, EFFECT_WOULD_SUPPRESS);
}

static void test_token_inside_a_complaint(void **state)
{
	(void)state;
	report.kind = REPORT_COMPLAINT;
	report.feedback_type = SLICE("abuse");
	report.recipient_count = 0;
	report.candidates = &candidate;
	report.candidate_count = 1;
	candidate.place = CANDIDATE_LIST_UNSUBSCRIBE;
	mint(1, 1, NULL, 100, &candidate.text);
	struct filing_event event = only_event();

	assert_int_equal(event.trust, TRUST_VERIFIED);
	assert_int_equal(event.effect, EFFECT_SUPPRESS);
	assert_int_equal(event.origin, ORIGIN_COMPLAINT);
	assert_slice(event.stream, "marketing");
	assert_slice(event.ref, "77");
	report.feedback_type = SLICE("not-spam");
	assert_int_equal(only_event().effect, EFFECT_NONE);
	report.feedback_type = SLICE("auth-failure");
	assert_int_equal(only_event().effect, EFFECT_NONE);
}

static void test_another_accounts_token_inside_is_nobodys(void **state)
{
	(void)state;
	report.candidates = &candidate;
	report.candidate_count = 1;
	mint(2, 1, "user@example.com", 1, &candidate.text);
	struct filings filings = attribute(&inbound, &report, &directory, arena);

	assert_int_equal(filings.items[0].account_id, 1);
	assert_int_equal(filings.items[0].events[0].trust, TRUST_UNVERIFIED);
	/* on a shared domain the token says whose report it is */
	envelope[0].account_id = 0;
	filings = attribute(&inbound, &report, &directory, arena);
	assert_int_equal(filings.items[0].account_id, 2);
	assert_int_equal(filings.items[0].events[0].trust, TRUST_VERIFIED);
}

static void test_revoked_or_foreign_signatures_do_not_count(void **state)
{
	(void)state;
	report.candidates = &candidate;
	report.candidate_count = 1;
	mint(1, 2, "user@example.com", 1, &candidate.text);
	assert_int_equal(only_event().trust, TRUST_UNVERIFIED);

	struct slice text;
	mint(1, 1, "user@example.com", 1, &text);
	for (size_t at = 2; at < text.len; at++) {
		char *forged = arena_cstr(arena, text);

		forged[at] = forged[at] == 'a' ? 'b' : 'a';
		candidate.text = slice_from(forged, text.len);
		assert_int_equal(only_event().trust, TRUST_UNVERIFIED);
	}
}

static void test_who_holds_a_key_may_name_anybody(void **state)
{
	(void)state;
	envelope[0] = (struct inbound_recipient){ .basis = RECIPIENT_SUBMITTED, .account_id = 1 };
	struct filing_event event = only_event();

	assert_int_equal(event.trust, TRUST_AUTHENTICATED);
	assert_int_equal(event.effect, EFFECT_SUPPRESS);
	assert_slice(event.address, "user@example.com");
}

/* The address that a report is handed over to may hold a token: the account's own, or none at all.
 */
static void test_a_token_counts_where_its_account_hands_over(void **state)
{
	(void)state;
	to_token(1, NULL, 1);
	struct slice ref = only_event().ref;

	assert_false(slice_empty(ref));
	envelope[0].basis = RECIPIENT_SUBMITTED;
	assert_true(slice_equal(only_event().ref, ref));
	assert_int_equal(only_event().trust, TRUST_AUTHENTICATED);
	envelope[0].account_id = 2;
	assert_true(slice_empty(only_event().ref));
}

/* What comes in by a trusted listener proves itself. */
static void test_a_trusted_listener_may_name_anybody(void **state)
{
	(void)state;
	envelope[0] = (struct inbound_recipient){ .basis = RECIPIENT_UNVERIFIED, .account_id = 1 };
	assert_int_equal(only_event().trust, TRUST_UNVERIFIED);
	inbound.trusted = true;
	assert_int_equal(only_event().trust, TRUST_AUTHENTICATED);
	assert_int_equal(only_event().effect, EFFECT_SUPPRESS);
}

/* Whoever gets a report about his own mail can send it on to us, with another envelope and, where
 * it is not signed, another To. */
static void test_a_report_about_somebody_elses_mail(void **state)
{
	struct authentication authentication = { .reporter = SLICE("provider") };

	(void)state;
	report.kind = REPORT_COMPLAINT;
	report.feedback_type = SLICE("abuse");
	inbound.authentication = &authentication;
	authentication.to = SLICE("fbl@bounce.example");
	assert_int_equal(only_event().trust, TRUST_UNVERIFIED);
	assert_int_equal(only_event().effect, EFFECT_NONE);
	authentication.reporter_signed_to = true;
	assert_int_equal(only_event().trust, TRUST_AUTHENTICATED);
	authentication.to = SLICE("fbl@somebody.example");
	assert_int_equal(only_event().trust, TRUST_UNVERIFIED);
	authentication.to = SLICE("fbl@bounce.example.evil.example");
	assert_int_equal(only_event().trust, TRUST_UNVERIFIED);
	authentication.to = SLICE_NONE; /* two, or none */
	assert_int_equal(only_event().trust, TRUST_UNVERIFIED);
	/* what it returns is signed with it */
	report.original.return_path = SLICE("news@somebody.example");
	assert_int_equal(only_event().trust, TRUST_UNVERIFIED);
	report.original.return_path = SLICE("news@Bounce.example");
	assert_int_equal(only_event().trust, TRUST_AUTHENTICATED);
	report.original.return_path = SLICE_NONE;
	authentication.reporter_direct = true;
	assert_int_equal(only_event().trust, TRUST_AUTHENTICATED);
}

/* A known reporter may name whom its user complained about, and nothing else. */
static void test_a_proven_reporter_may_name_who_complains(void **state)
{
	struct authentication authentication = { .reporter = SLICE("provider"),
						 .reporter_direct = true };

	(void)state;
	report.kind = REPORT_COMPLAINT;
	report.feedback_type = SLICE("abuse");
	assert_int_equal(only_event().trust, TRUST_UNVERIFIED);
	inbound.authentication = &authentication;
	struct filing_event event = only_event();

	assert_int_equal(event.trust, TRUST_AUTHENTICATED);
	assert_int_equal(event.effect, EFFECT_SUPPRESS);
	assert_slice(event.address, "user@example.com");
	recipient.redacted = true;
	assert_int_equal(only_event().effect, EFFECT_NONE);
	recipient.redacted = false;
	authentication.reporter = SLICE_NONE;
	assert_int_equal(only_event().trust, TRUST_UNVERIFIED);
	authentication.reporter = SLICE("provider");
	report.kind = REPORT_BOUNCE;
	assert_int_equal(only_event().trust, TRUST_UNVERIFIED);
}

static bool wants_authentication(void)
{
	return attribute_wants_authentication(&inbound, &report, &directory, arena);
}

static void test_who_sent_it_matters_only_without_a_token(void **state)
{
	(void)state;
	assert_false(wants_authentication());
	report.kind = REPORT_COMPLAINT;
	assert_true(wants_authentication());
	report.candidates = &candidate;
	report.candidate_count = 1;
	mint(1, 1, NULL, 0, &candidate.text);
	assert_false(wants_authentication());
	report.candidate_count = 0;
	to_token(1, "user@example.com", 0);
	assert_false(wants_authentication());
	envelope[0].basis = RECIPIENT_SUBMITTED;
	assert_false(wants_authentication());
	envelope[0].basis = RECIPIENT_UNVERIFIED;
	assert_true(wants_authentication());
	inbound.trusted = true;
	assert_false(wants_authentication());
}

static struct filing only_filing(void)
{
	struct filings filings = attribute(&inbound, &report, &directory, arena);

	assert_int_equal(filings.count, 1);
	return filings.items[0];
}

static void test_what_may_have_an_effect_later_is_undecided(void **state)
{
	struct authentication authentication = { .undecided = true };

	(void)state;
	report.kind = REPORT_COMPLAINT;
	report.feedback_type = SLICE("abuse");
	assert_false(only_filing().undecided);
	inbound.authentication = &authentication;
	assert_true(only_filing().undecided);
	authentication.undecided = false;
	assert_false(only_filing().undecided);
	authentication.undecided = true;
	/* It has its effect already: once is enough. */
	envelope[0].account_id = 3;
	assert_int_equal(only_event().effect, EFFECT_SUPPRESS);
	assert_false(only_filing().undecided);
	envelope[0].account_id = 2;
	assert_true(only_filing().undecided);
	inbound.trusted = true;
	assert_false(only_filing().undecided);
	inbound.trusted = false;
	to_token(1, "user@example.com", 0);
	assert_false(only_filing().undecided);
}

static void test_the_senders_fault_is_never_the_recipients(void **state)
{
	static const enum reason never[] = { REASON_BLOCKED,         REASON_BADREPUTATION,
					     REASON_AUTHFAILURE,     REASON_SPAMDETECTED,
					     REASON_POLICYVIOLATION, REASON_REJECTED,
					     REASON_RATELIMITED,     REASON_REQUIREPTR,
					     REASON_MAILBOXFULL,     REASON_EXPIRED,
					     REASON_ONHOLD };

	(void)state;
	to_token(1, "user@example.com", 1);
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		recipient.reason = never[i];
		recipient.severity = reason_severity(never[i], true);
		assert_int_equal(only_event().effect, EFFECT_NONE);
	}
	recipient.reason = REASON_HOSTUNKNOWN; /* may be back tomorrow … */
	assert_int_equal(only_event().effect, EFFECT_NONE);
	recipient.status = SLICE("5.1.10"); /* … unless it says that it takes no mail */
	assert_int_equal(only_event().effect, EFFECT_SUPPRESS);
}

static void test_other_kinds_change_nothing(void **state)
{
	static const enum report_kind kinds[] = { REPORT_DELAY,      REPORT_DELIVERED,
						  REPORT_AUTOREPLY,  REPORT_MDN,
						  REPORT_CHALLENGE,  REPORT_NONE,
						  REPORT_QUARANTINED };

	(void)state;
	to_token(1, "user@example.com", 1);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		report.kind = kinds[i];
		assert_int_equal(only_event().effect, EFFECT_NONE);
	}
}

static void test_each_recipient_has_its_own_kind(void **state)
{
	static struct report_recipient three[3];

	(void)state;
	to_token(1, "user@example.com", 1);
	three[0] = three[1] = three[2] = recipient;
	three[1].action = ACTION_DELAYED;
	three[2].action = ACTION_RELAYED;
	report.recipients = three;
	report.recipient_count = 3;
	struct filing filing = attribute(&inbound, &report, &directory, arena).items[0];

	assert_int_equal(filing.event_count, 3);
	assert_int_equal(filing.events[0].kind, REPORT_BOUNCE);
	assert_int_equal(filing.events[0].effect, EFFECT_SUPPRESS);
	assert_int_equal(filing.events[1].kind, REPORT_DELAY);
	assert_int_equal(filing.events[1].effect, EFFECT_NONE);
	assert_int_equal(filing.events[2].kind, REPORT_DELIVERED);
	assert_int_equal(filing.events[2].effect, EFFECT_NONE);
}

static void test_keys_tell_reports_and_events_apart(void **state)
{
	(void)state;
	to_token(1, "user@example.com", 1);
	struct filing first = attribute(&inbound, &report, &directory, arena).items[0];
	struct filing again = attribute(&inbound, &report, &directory, arena).items[0];

	assert_memory_equal(first.key, again.key, SHA256_LEN);
	assert_memory_equal(first.events[0].key, again.events[0].key, SHA256_LEN);
	buf_append_byte(&inbound.raw, '!'); /* another copy with one more Received line, say */
	again = attribute(&inbound, &report, &directory, arena).items[0];
	assert_memory_not_equal(first.key, again.key, SHA256_LEN);
	assert_memory_equal(first.events[0].key, again.events[0].key, SHA256_LEN);
	recipient.address = SLICE("other@example.com");
	again = attribute(&inbound, &report, &directory, arena).items[0];
	assert_memory_not_equal(first.events[0].key, again.events[0].key, SHA256_LEN);
}

/* Two messages that say nothing at all are two events. */
static void test_silent_messages_are_not_one_event(void **state)
{
	(void)state;
	report = (struct report){ .kind = REPORT_QUARANTINED,
				  .arrival_date = TIME_NONE,
				  .date = TIME_NONE };
	struct filing first = attribute(&inbound, &report, &directory, arena).items[0];
	buf_append_byte(&inbound.raw, '!');
	struct filing second = attribute(&inbound, &report, &directory, arena).items[0];

	assert_memory_not_equal(first.events[0].key, second.events[0].key, SHA256_LEN);
}

static void to_legacy(const char *local)
{
	envelope[0] = (struct inbound_recipient){ .basis = RECIPIENT_LEGACY, .account_id = 1 };
	envelope[0].address = arena_printf(arena, "%s@Bounce.example", local);
}

/* Anyone can write an unsigned one: it speaks for the address in it, and of hard bounces only. */
static void test_an_unsigned_legacy_return_path(void **state)
{
	(void)state;
	to_legacy("VERP+User=Example.com");
	struct filing_event event = only_event();

	assert_int_equal(event.trust, TRUST_LEGACY);
	assert_int_equal(event.effect, EFFECT_SUPPRESS);
	assert_true(event.suppress_address && event.attributed);
	assert_slice(event.address, "user@example.com");
	assert_int_equal(event.recipient_domain.len, 0); /* outsiders make no roll-up rows */
	recipient.redacted = true;
	event = only_event();
	assert_int_equal(event.effect, EFFECT_SUPPRESS);
	assert_slice(event.address, "user@example.com");
	recipient.redacted = false;

	report.kind = REPORT_UNSUBSCRIBE;
	assert_int_equal(only_event().effect, EFFECT_NONE);
	report.kind = REPORT_COMPLAINT;
	report.feedback_type = SLICE("abuse");
	assert_int_equal(only_event().effect, EFFECT_NONE);
	report.kind = REPORT_BOUNCE;
	recipient.reason = REASON_MAILBOXFULL;
	assert_int_equal(only_event().effect, EFFECT_NONE);
	recipient.reason = REASON_USERUNKNOWN;

	recipient.address = SLICE("victim@example.com");
	event = only_event();
	assert_int_equal(event.trust, TRUST_UNVERIFIED);
	assert_int_equal(event.effect, EFFECT_NONE);
	recipient.original = SLICE("user@example.com");
	assert_int_equal(only_event().effect, EFFECT_SUPPRESS);

	inbound.received_at = NOW + 1; /* its last day is over */
	event = only_event();
	assert_int_equal(event.trust, TRUST_UNVERIFIED);
	assert_int_equal(event.effect, EFFECT_NONE);
}

static void test_a_legacy_ref_never_suppresses_a_named_address(void **state)
{
	(void)state;
	to_legacy("ref-12345");
	struct filing_event event = only_event();

	assert_int_equal(event.trust, TRUST_LEGACY);
	assert_int_equal(event.effect, EFFECT_SUPPRESS);
	assert_false(event.suppress_address);
	assert_slice(event.ref, "12345");
}

static void test_a_signed_legacy_return_path_is_as_good_as_a_token(void **state)
{
	(void)state;
	recipient.address = SLICE("ann@shop.example");
	to_legacy("e9a9739ec7+ann=shop.example");
	struct filing_event event = only_event();

	assert_int_equal(event.trust, TRUST_VERIFIED);
	assert_int_equal(event.effect, EFFECT_SUPPRESS);
	assert_slice(event.recipient_domain, "shop.example");
	report.kind = REPORT_UNSUBSCRIBE;
	assert_int_equal(only_event().effect, EFFECT_SUPPRESS);
	report.kind = REPORT_BOUNCE;

	recipient.address = SLICE("victim@example.com");
	event = only_event();
	assert_int_equal(event.trust, TRUST_FORWARDED);
	assert_int_equal(event.effect, EFFECT_NONE);

	recipient.address = SLICE("ben@shop.example");
	to_legacy("e9a9739ec7+ben=shop.example");
	event = only_event();
	assert_int_equal(event.trust, TRUST_UNVERIFIED);
	assert_int_equal(event.effect, EFFECT_NONE);
}

/* Reports that differ in everything have one effect for a token, its recipient and origin. */
static void test_a_token_has_one_effect(void **state)
{
	(void)state;
	to_token(1, "user@example.com", 1);
	struct filing_event first = only_event();

	report.message_id = SLICE("two@mta.example");
	recipient.diagnostic = SLICE("550 another");
	struct filing_event second = only_event();

	assert_memory_not_equal(first.key, second.key, SHA256_LEN);
	assert_true(first.once && second.once);
	assert_memory_equal(first.effect_key, second.effect_key, SHA256_LEN);
	report.kind = REPORT_COMPLAINT;
	report.feedback_type = SLICE("abuse");
	second = only_event();
	assert_memory_not_equal(first.effect_key, second.effect_key, SHA256_LEN);
	report.kind = REPORT_BOUNCE;
	to_token(1, "user@example.com", 2);
	second = only_event();
	assert_memory_not_equal(first.effect_key, second.effect_key, SHA256_LEN);

	/* a key's holder may say it as often as he likes, and what has no effect needs no key */
	envelope[0] = (struct inbound_recipient){ .basis = RECIPIENT_SUBMITTED, .account_id = 1 };
	assert_false(only_event().once);
	to_token(1, "other@example.com", 1);
	assert_int_equal(only_event().effect, EFFECT_NONE);
	assert_false(only_event().once);
}

static void test_one_filing_for_each_account(void **state)
{
	struct slice text;

	(void)state;
	to_token(1, "user@example.com", 1);
	envelope[1] = (struct inbound_recipient){ .address = SLICE("x@bounce.example"),
						  .basis = RECIPIENT_TOKEN,
						  .account_id = 2 };
	envelope[1].token = mint(2, 1, "user@example.com", 1, &text);
	inbound.recipient_count = 2;
	struct filings filings = attribute(&inbound, &report, &directory, arena);

	assert_int_equal(filings.count, 2);
	assert_int_equal(filings.items[0].account_id, 1);
	assert_int_equal(filings.items[1].account_id, 2);
	assert_memory_not_equal(filings.items[0].key, filings.items[1].key, SHA256_LEN);
	assert_int_equal(filings.items[0].events[0].effect, EFFECT_SUPPRESS);
	assert_int_equal(filings.items[1].events[0].effect, EFFECT_WOULD_SUPPRESS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_token_that_fits_suppresses_the_address),
		TEST(test_token_without_commitment_speaks_for_its_ref_only),
		TEST(test_another_final_recipient_is_a_forward),
		TEST(test_who_names_the_address_of_a_ref),
		TEST(test_redacted_recipient_leaves_the_ref),
		TEST(test_without_a_token_nothing_is_suppressed),
		TEST(test_age_goes_by_what_arrived),
		TEST(test_observing_changes_nothing),
		TEST(test_token_inside_a_complaint),
		cmocka_unit_test_setup_teardown(test_a_report_about_somebody_elses_mail, setup,
						teardown),
		TEST(test_a_proven_reporter_may_name_who_complains),
		TEST(test_who_sent_it_matters_only_without_a_token),
		TEST(test_another_accounts_token_inside_is_nobodys),
		TEST(test_revoked_or_foreign_signatures_do_not_count),
		TEST(test_who_holds_a_key_may_name_anybody),
		TEST(test_a_token_counts_where_its_account_hands_over),
		TEST(test_a_trusted_listener_may_name_anybody),
		TEST(test_what_may_have_an_effect_later_is_undecided),
		TEST(test_the_senders_fault_is_never_the_recipients),
		TEST(test_other_kinds_change_nothing),
		TEST(test_each_recipient_has_its_own_kind),
		TEST(test_keys_tell_reports_and_events_apart),
		TEST(test_silent_messages_are_not_one_event),
		TEST(test_an_unsigned_legacy_return_path),
		TEST(test_a_legacy_ref_never_suppresses_a_named_address),
		TEST(test_a_signed_legacy_return_path_is_as_good_as_a_token),
		TEST(test_a_token_has_one_effect),
		TEST(test_one_filing_for_each_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
