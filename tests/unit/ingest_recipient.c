/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/timestamp.h"
#include "ingest/recipient.h"

/* Account 7 owns open.example and closed.example, which has legacy patterns; shared.example is
 * everybody's. Its key 1 is current, key 2 revoked; account 8 has a key but is gone. */
struct world {
	struct arena *arena;
	struct directory directory;
	struct recipient_rules rules;
	struct recipient_counters counters;
};

#define TODAY 500
#define NOW   (INT64_C(1735689600000) + TODAY * TIME_DAY_MS + TIME_HOUR_MS)

static const uint8_t secret[TOKEN_KEY_LEN] = "a secret of thirty-two octets...";

static void add_key(struct directory *directory, uint64_t account, uint8_t id,
		    enum token_key_state state)
{
	struct directory_token_key *key = &directory->keys[directory->key_count++];

	key->account_id = account;
	key->key_id = id;
	key->state = state;
	memcpy(key->secret, secret, sizeof(secret));
}

static int setup(void **state)
{
	static struct directory_account accounts[] = { { .id = 0 }, { .id = 7 } };
	static struct directory_domain domains[] = {
		{ SLICE_LITERAL("open.example"), 7, REJECT_INVALID_ACCEPT, NULL, 0 },
		{ SLICE_LITERAL("closed.example"), 7, REJECT_INVALID_550, NULL, 0 },
		{ SLICE_LITERAL("shared.example"), 0, REJECT_INVALID_ACCEPT, NULL, 0 },
	};
	static struct directory_pattern patterns[] = {
		{ .domain = SLICE_LITERAL("closed.example"),
		  .number = 2,
		  .template_ = SLICE_LITERAL("news+{local}={domain}"),
		  .expires_at = NOW + 1 },
		{ .domain = SLICE_LITERAL("closed.example"),
		  .number = 1,
		  .template_ = SLICE_LITERAL("signed-{ref}-{hmac}"),
		  .covers = SLICE_LITERAL("{ref}"),
		  .algorithm = PATTERN_HMAC_SHA256,
		  .mac_digits = 8,
		  .secret = "secret",
		  .secret_len = 6,
		  .expires_at = TIME_NONE },
		{ .domain = SLICE_LITERAL("elsewhere.example"),
		  .number = 1,
		  .template_ = SLICE_LITERAL("x-{ref}"),
		  .expires_at = NOW + 1 },
	};
	struct arena *arena = arena_new(0);
	struct world *world = ARENA_NEW(arena, struct world);
	struct directory *directory = &world->directory;

	world->arena = arena;
	directory->accounts = accounts;
	directory->account_count = 2;
	directory->domains = domains;
	directory->domain_count = 3;
	directory->patterns = patterns;
	directory->pattern_count = 3;
	directory->keys = ARENA_ARRAY(arena, struct directory_token_key, 4);
	add_key(directory, 7, 1, TOKEN_KEY_CURRENT);
	add_key(directory, 7, 2, TOKEN_KEY_REVOKED);
	add_key(directory, 7, 3, TOKEN_KEY_RETIRED);
	add_key(directory, 8, 1, TOKEN_KEY_CURRENT);
	directory_finish(directory);
	world->rules.directory = directory;
	world->rules.role_names = SLICE("postmaster abuse  fbl");
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	arena_free(world->arena);
	return 0;
}

static struct slice mint(struct world *world, uint64_t account, uint8_t key_id, uint16_t day)
{
	struct token token = { .kind = TOKEN_BOUNCE,
			       .account = account,
			       .key_id = key_id,
			       .issue_day = day,
			       .campaign = 3,
			       .ref = 12345 };
	struct slice text;

	assert_int_equal(token_mint(&token, secret, world->arena, &text), OK);
	return text;
}

static struct recipient_decision decide(struct world *world, struct slice address, bool refreshed)
{
	return recipient_decide(address, &world->rules, NOW, refreshed, &world->counters);
}

static struct slice at(struct world *world, struct slice local, const char *domain)
{
	return arena_printf(world->arena, "%.*s@%s", SLICE_ARG(local), domain);
}

static void assert_reply(const struct recipient_decision *decision, const char *want)
{
	char got[16];

	snprintf(got, sizeof(got), "%u %s", decision->reply.code, decision->reply.enhanced);
	assert_string_equal(got, want);
}

static void assert_accepted(struct world *world, struct slice address, enum rcpt_outcome outcome,
			    enum recipient_basis basis, uint64_t account)
{
	struct recipient_decision decision = decide(world, address, false);

	assert_int_equal(decision.verdict, RCPT_ACCEPT);
	assert_int_equal(decision.outcome, outcome);
	assert_reply(&decision, "250 2.1.5");
	assert_int_equal(decision.recipient.basis, basis);
	assert_int_equal(decision.recipient.account_id, account);
	assert_true(slice_equal(decision.recipient.address, address));
	if (outcome != RCPT_LEGACY)
		assert_int_equal(decision.proven, outcome == RCPT_TOKEN);
}

static void assert_refused(struct world *world, struct slice address, enum rcpt_outcome outcome,
			   enum rcpt_verdict verdict, const char *reply)
{
	struct recipient_decision decision = decide(world, address, true);

	assert_int_equal(decision.verdict, verdict);
	assert_int_equal(decision.outcome, outcome);
	assert_reply(&decision, reply);
}

static void test_valid_tokens(void **state)
{
	struct world *world = *state;
	struct slice token = mint(world, 7, 1, TODAY);
	char upper[64];

	for (size_t i = 0; i < token.len; i++)
		upper[i] = ascii_is_alpha(token.ptr[i]) ? (char)(token.ptr[i] - 32) : token.ptr[i];
	const struct slice addresses[] = {
		at(world, token, "open.example"),
		at(world, token, "OPEN.Example."),
		at(world, token, "closed.example"),
		/* the account is the token's, whosever the domain is */
		at(world, token, "shared.example"),
		at(world, slice_from(upper, token.len), "open.example"),
		arena_printf(world->arena, "\"%.*s\"@open.example", SLICE_ARG(token)),
		arena_printf(world->arena, "prvs=1234abcdef=%.*s@open.example", SLICE_ARG(token)),
		arena_printf(world->arena, "SRS0=hhhh=tt=open.example=%.*s@open.example",
			     SLICE_ARG(token)),
		at(world, mint(world, 7, 3, TODAY - 300), "open.example"),
	};

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		assert_accepted(world, addresses[i], RCPT_TOKEN, RECIPIENT_TOKEN, 7);
		assert_int_equal(decide(world, addresses[i], false).recipient.token.ref, 12345);
	}
	assert_int_equal(world->counters.count[RCPT_TOKEN], 18);
}

static void test_every_flipped_character_is_invalid(void **state)
{
	struct world *world = *state;
	struct slice token = mint(world, 7, 1, TODAY);

	/* Behind the bytes that name account and key, so that those are still found. */
	for (size_t i = token.len - 16; i < token.len; i++) {
		char *text = arena_cstr(world->arena, token);

		text[i] = text[i] == 'a' ? 'b' : 'a';
		struct slice forged = slice_from(text, token.len);
		struct recipient_decision decision =
			decide(world, at(world, forged, "open.example"), false);

		assert_int_equal(decision.verdict, RCPT_ACCEPT);
		assert_int_equal(decision.recipient.basis, RECIPIENT_UNVERIFIED);
		assert_int_equal(decision.recipient.account_id, 7);
		decision = decide(world, at(world, forged, "closed.example"), false);
		assert_int_equal(decision.verdict, RCPT_REFUSE);
		assert_reply(&decision, "550 5.1.1");
	}
	/* The last character's slack bits make a few of them malformed, the others have a bad MAC.
	 */
	assert_int_equal(world->counters.count[RCPT_TOKEN], 0);
	assert_true(world->counters.count[RCPT_BAD_MAC_ACCEPTED] >= 15);
	assert_true(world->counters.count[RCPT_BAD_MAC_REFUSED] >= 15);
}

static void test_malformed(void **state)
{
	struct world *world = *state;
	struct slice token = mint(world, 7, 1, TODAY);
	const struct slice locals[] = {
		SLICE("somebody"),
		SLICE("b-"),
		slice_head(token, token.len - 1),
		arena_printf(world->arena, "%.*s+tag", SLICE_ARG(token)),
		arena_printf(world->arena, "x%.*s", SLICE_ARG(token)),
		SLICE("abuse+tag"),
	};

	for (size_t i = 0; i < sizeof(locals) / sizeof(locals[0]); i++) {
		assert_accepted(world, at(world, locals[i], "open.example"),
				RCPT_MALFORMED_ACCEPTED, RECIPIENT_UNVERIFIED, 7);
		assert_accepted(world, at(world, locals[i], "shared.example"),
				RCPT_MALFORMED_ACCEPTED, RECIPIENT_UNVERIFIED, 0);
		assert_refused(world, at(world, locals[i], "closed.example"),
			       RCPT_MALFORMED_REFUSED, RCPT_REFUSE, "550 5.1.1");
	}
}

/* Nothing is lost by a key that was taken back on purpose. */
static void test_a_revoked_key_signs_nothing(void **state)
{
	struct world *world = *state;
	struct slice token = mint(world, 7, 2, TODAY);

	assert_accepted(world, at(world, token, "open.example"), RCPT_BAD_MAC_ACCEPTED,
			RECIPIENT_UNVERIFIED, 7);
	assert_refused(world, at(world, token, "closed.example"), RCPT_BAD_MAC_REFUSED, RCPT_REFUSE,
		       "550 5.1.1");
}

static void test_legacy_patterns(void **state)
{
	struct world *world = *state;
	struct slice wrapped = SLICE("SRS0=hhhh=tt=closed.example=news+Ann=shop.example");

	assert_accepted(world, SLICE("news+Ann=Shop.example@closed.example"), RCPT_LEGACY,
			RECIPIENT_LEGACY, 7);
	assert_accepted(world, SLICE("NEWS+Ann=Shop.example@CLOSED.example."), RCPT_LEGACY,
			RECIPIENT_LEGACY, 7);
	assert_accepted(world, at(world, wrapped, "closed.example"), RCPT_LEGACY, RECIPIENT_LEGACY,
			7);
	assert_accepted(world, SLICE("signed-12345-f88c7ebe@closed.example"), RCPT_LEGACY,
			RECIPIENT_LEGACY, 7);
	assert_true(decide(world, SLICE("signed-12345-f88c7ebe@closed.example"), false).proven);
	assert_false(decide(world, SLICE("news+Ann=Shop.example@closed.example"), false).proven);
	assert_refused(world, SLICE("signed-12346-f88c7ebe@closed.example"), RCPT_BAD_MAC_REFUSED,
		       RCPT_REFUSE, "550 5.1.1");
	assert_refused(world, SLICE("news+Ann@closed.example"), RCPT_MALFORMED_REFUSED, RCPT_REFUSE,
		       "550 5.1.1");
	/* another domain's pattern */
	assert_accepted(world, SLICE("news+Ann=Shop.example@open.example"), RCPT_MALFORMED_ACCEPTED,
			RECIPIENT_UNVERIFIED, 7);
}

/* Twenty failures a network, from nine networks. */
static void test_a_sudden_failure_is_put_off(void **state)
{
	struct world *world = *state;
	struct slice good = at(world, mint(world, 7, 1, TODAY), "closed.example");
	struct slice bad = at(world, mint(world, 7, 2, TODAY), "closed.example");
	struct recipient_decision decision = { .verdict = RCPT_ACCEPT };
	unsigned alerts = 0;

	world->rules.guard = verification_guard_new();
	for (int64_t i = 0; i < 40; i++)
		(void)recipient_decide(good, &world->rules, NOW - 20 * 60000 + i * 1000, true,
				       &world->counters);
	for (unsigned i = 0; i < 180; i++) {
		world->rules.peer = arena_printf(world->arena, "198.51.%u.7", i % 9);
		decision = decide(world, bad, true);
		alerts += decision.alert;
	}
	assert_int_equal(decision.verdict, RCPT_LATER);
	assert_int_equal(decision.outcome, RCPT_SUSPECT);
	assert_reply(&decision, "451 4.7.1");
	assert_int_equal(alerts, 1);
	/* who verifies is taken, and domains that take what is wrong still do */
	assert_int_equal(decide(world, good, true).verdict, RCPT_ACCEPT);
	assert_accepted(world, SLICE("abuse@closed.example"), RCPT_ROLE, RECIPIENT_ROLE, 7);
	assert_accepted(world, SLICE("x@open.example"), RCPT_MALFORMED_ACCEPTED,
			RECIPIENT_UNVERIFIED, 7);
	verification_guard_free(world->rules.guard);
}

static void test_roles(void **state)
{
	struct world *world = *state;

	assert_accepted(world, SLICE("abuse@closed.example"), RCPT_ROLE, RECIPIENT_ROLE, 7);
	assert_accepted(world, SLICE("FBL@closed.example"), RCPT_ROLE, RECIPIENT_ROLE, 7);
	assert_accepted(world, SLICE("\"postmaster\"@shared.example"), RCPT_ROLE, RECIPIENT_ROLE,
			0);
	assert_accepted(world, SLICE("PostMaster"), RCPT_POSTMASTER, RECIPIENT_ROLE, 0);
	assert_refused(world, SLICE("noc@closed.example"), RCPT_MALFORMED_REFUSED, RCPT_REFUSE,
		       "550 5.1.1");
	assert_refused(world, SLICE("abuse@other.example"), RCPT_OTHER_DOMAIN, RCPT_REFUSE,
		       "550 5.7.1");
}

/* Our own mistakes delay reports, they lose none. */
static void test_what_cannot_be_checked_is_delayed(void **state)
{
	struct world *world = *state;
	const struct slice unknown[] = {
		mint(world, 7, 9, TODAY),  /* no such key */
		mint(world, 8, 1, TODAY),  /* a key without account */
		mint(world, 99, 1, TODAY), /* no such account */
	};

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_refused(world, at(world, unknown[i], "closed.example"), RCPT_UNKNOWN_KEY,
			       RCPT_LATER, "451 4.7.1");
	assert_refused(world, at(world, mint(world, 7, 1, TODAY + 1), "closed.example"),
		       RCPT_FUTURE, RCPT_LATER, "451 4.7.1");
	world->rules.directory = NULL;
	assert_refused(world, SLICE("abuse@open.example"), RCPT_NO_DIRECTORY, RCPT_LATER,
		       "451 4.3.0");
}

static void test_unknown_asks_for_a_fresh_directory_first(void **state)
{
	struct world *world = *state;
	struct slice token = mint(world, 7, 9, TODAY);

	assert_int_equal(decide(world, at(world, token, "open.example"), false).verdict,
			 RCPT_REFRESH);
	assert_int_equal(decide(world, SLICE("a@other.example"), false).verdict, RCPT_REFRESH);
	for (size_t i = 0; i < RCPT_OUTCOME_COUNT; i++)
		assert_int_equal(world->counters.count[i], 0);
	assert_refused(world, SLICE("a@other.example"), RCPT_OTHER_DOMAIN, RCPT_REFUSE,
		       "550 5.7.1");
	assert_int_equal(world->counters.count[RCPT_OTHER_DOMAIN], 1);
}

static void test_other_domains(void **state)
{
	static const char *const addresses[] = {
		"a@example",
		"a@open.example.evil.example",
		"a@xopen.example",
		"a@sub.open.example",
		"a@open.example@evil.example",
		"a@open_example",
		"a@ope\xE2\x84\xAA.example",
	};

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		assert_refused(*state, slice_from_cstr(addresses[i]), RCPT_OTHER_DOMAIN,
			       RCPT_REFUSE, "550 5.7.1");
}

/* So that the time of an answer tells nothing about the guess. */
static void test_every_guess_costs_the_same(void **state)
{
	struct world *world = *state;
	struct slice token = mint(world, 7, 1, TODAY);
	char *flipped = arena_cstr(world->arena, token);
	const struct slice guesses[] = {
		token,
		slice_from(flipped, token.len),
		slice_head(token, token.len - 1),
		mint(world, 7, 9, TODAY),
		mint(world, 99, 1, TODAY),
		mint(world, 7, 1, TODAY + 1),
		SLICE("somebody"),
		SLICE("abuse"),
	};

	flipped[token.len - 8] = flipped[token.len - 8] == 'a' ? 'b' : 'a';

	for (size_t i = 0; i < sizeof(guesses) / sizeof(guesses[0]); i++) {
		(void)decide(world, at(world, guesses[i], "closed.example"), true);
		assert_int_equal(world->counters.macs, i + 1);
	}
}

static void test_words(void **state)
{
	(void)state;
	assert_string_equal(rcpt_outcome_word(RCPT_TOKEN), "token");
	assert_string_equal(rcpt_outcome_word(RCPT_NO_DIRECTORY), "no_directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_valid_tokens, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_flipped_character_is_invalid, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_revoked_key_signs_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_legacy_patterns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_sudden_failure_is_put_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_roles, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_checked_is_delayed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_unknown_asks_for_a_fresh_directory_first,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_domains, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_guess_costs_the_same, setup, teardown),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
