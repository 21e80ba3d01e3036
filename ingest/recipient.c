/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/recipient.h"

#include "core/address.h"
#include "core/timestamp.h"
#include "core/token.h"
#include "ingest/legacy_pattern.h"

/* The usual length of a token with campaign, ref and commitment. */
#define TOKEN_STANDIN_LEN 28

static const struct smtp_reply accepted = SMTP_REPLY(250, "2.1.5", "OK");
static const struct smtp_reply no_such_user = SMTP_REPLY(550, "5.1.1", "No such recipient");
static const struct smtp_reply not_ours = SMTP_REPLY(550, "5.7.1", "Relaying denied");
static const struct smtp_reply cannot_check =
	SMTP_REPLY(451, "4.7.1", "Recipient cannot be verified now, try again later");
static const struct smtp_reply not_ready =
	SMTP_REPLY(451, "4.3.0", "Service is not ready, try again later");

static const char *const outcome_words[RCPT_OUTCOME_COUNT] = {
#define X(name, word) word,
	RCPT_OUTCOMES(X)
#undef X
};

const char *rcpt_outcome_word(enum rcpt_outcome outcome)
{
	return outcome_words[outcome];
}

static struct recipient_decision refuse(enum rcpt_verdict verdict, enum rcpt_outcome outcome,
					const struct smtp_reply *reply)
{
	return (struct recipient_decision){
		.verdict = verdict,
		.outcome = outcome,
		.reply = *reply,
	};
}

static struct recipient_decision accept(enum rcpt_outcome outcome, enum recipient_basis basis,
					uint64_t account_id)
{
	return (struct recipient_decision){
		.verdict = RCPT_ACCEPT,
		.outcome = outcome,
		.reply = accepted,
		.recipient = { .basis = basis, .account_id = account_id },
	};
}

static struct recipient_decision unknown(bool refreshed, enum rcpt_outcome outcome,
					 enum rcpt_verdict verdict, const struct smtp_reply *reply)
{
	return refuse(refreshed ? verdict : RCPT_REFRESH, outcome, reply);
}

static bool is_role(struct slice local, struct slice names)
{
	struct slice name;

	while (slice_next_field(&names, ' ', &name))
		if (!slice_empty(name) && slice_equal_nocase(local, name))
			return true;
	return false;
}

struct question {
	const struct recipient_rules *rules;
	struct slice local;  /* as it came */
	struct slice normal; /* of the address in its normal form */
	const struct directory_domain *domain;
	int64_t unix_ms;
	bool refreshed;
};

/* What carries no valid token is the domain's account's, where it is wanted at all. */
static struct recipient_decision decide_invalid(const struct directory_domain *domain,
						enum rcpt_outcome accepted_as,
						enum rcpt_outcome refused_as)
{
	if (domain->reject_invalid == REJECT_INVALID_ACCEPT)
		return accept(accepted_as, RECIPIENT_UNVERIFIED, domain->account_id);
	return refuse(RCPT_REFUSE, refused_as, &no_such_user);
}

static struct recipient_decision decide_legacy(struct arena *scratch,
					       const struct question *question)
{
	const struct directory_domain *domain = question->domain;
	struct recipient_decision decision;

	switch (legacy_pattern_match(domain, question->local, question->unix_ms, scratch).verdict) {
	case LEGACY_UNSIGNED:
		return accept(RCPT_LEGACY, RECIPIENT_LEGACY, domain->account_id);
	case LEGACY_VERIFIED:
		decision = accept(RCPT_LEGACY, RECIPIENT_LEGACY, domain->account_id);
		decision.proven = true;
		return decision;
	case LEGACY_BAD_MAC:
		return decide_invalid(domain, RCPT_BAD_MAC_ACCEPTED, RCPT_BAD_MAC_REFUSED);
	case LEGACY_NONE:
		break;
	}
	return decide_invalid(domain, RCPT_MALFORMED_ACCEPTED, RCPT_MALFORMED_REFUSED);
}

/* What a local part turns out to be. Whether it decodes, and whether there is a key for it, makes
 * no difference to the work: one MAC is computed, of the token or of a stand-in, so that time tells
 * nobody which guesses came close. */
static enum rcpt_outcome check_token(const struct question *question,
				     struct recipient_counters *counters, struct token *token)
{
	static const struct token no_token = { .byte_count = TOKEN_STANDIN_LEN };
	static const uint8_t no_key[TOKEN_KEY_LEN];
	const struct directory *directory = question->rules->directory;
	/* token_decode() knows no plus tags: whoever adds one breaks the token. */
	bool decoded = token_decode(return_path_unwrap(question->normal), token);
	const struct directory_token_key *key;

	if (!decoded)
		*token = no_token;
	key = directory_key_find(directory, token->account, token->key_id);
	if (directory_account_find(directory, token->account) == NULL)
		key = NULL;
	bool valid = token_mac_valid(token, key != NULL ? key->secret : no_key);
	bool revoked = directory_key_is_revoked(directory, token->account, token->key_id);

	counters->macs++;
	if (!decoded)
		return RCPT_MALFORMED_REFUSED;
	if (revoked)
		return RCPT_BAD_MAC_REFUSED;
	if (key == NULL)
		return RCPT_UNKNOWN_KEY;
	return valid ? RCPT_TOKEN : RCPT_BAD_MAC_REFUSED;
}

static struct recipient_decision decide_token(struct arena *scratch,
					      const struct question *question,
					      enum rcpt_outcome outcome, const struct token *token)
{
	struct recipient_decision decision;

	if (outcome == RCPT_MALFORMED_REFUSED)
		return decide_legacy(scratch, question);
	if (outcome == RCPT_BAD_MAC_REFUSED)
		return decide_invalid(question->domain, RCPT_BAD_MAC_ACCEPTED, outcome);
	if (outcome == RCPT_UNKNOWN_KEY)
		return unknown(question->refreshed, outcome, RCPT_LATER, &cannot_check);
	if (token->issue_day > time_token_day(question->unix_ms))
		return refuse(RCPT_LATER, RCPT_FUTURE, &cannot_check);
	decision = accept(RCPT_TOKEN, RECIPIENT_TOKEN, token->account);
	decision.recipient.token = *token;
	decision.proven = true;
	return decision;
}

/* false: the guard has nothing to learn from it. */
static bool is_telling(enum rcpt_outcome outcome, bool *ret_verified)
{
	*ret_verified = outcome == RCPT_TOKEN || outcome == RCPT_LEGACY;
	return *ret_verified || outcome == RCPT_BAD_MAC_ACCEPTED ||
	       outcome == RCPT_BAD_MAC_REFUSED || outcome == RCPT_MALFORMED_ACCEPTED ||
	       outcome == RCPT_MALFORMED_REFUSED;
}

static void ask_guard(const struct question *question, struct recipient_decision *decision)
{
	const struct recipient_rules *rules = question->rules;
	bool verified;

	if (rules->guard == NULL || !is_telling(decision->outcome, &verified))
		return;
	struct guard_state state = verification_guard_note(
		rules->guard, question->domain->name, rules->peer, verified, question->unix_ms);

	if (state.trouble && decision->verdict == RCPT_REFUSE)
		*decision = refuse(RCPT_LATER, RCPT_SUSPECT, &cannot_check);
	decision->alert = state.alert;
}

static struct recipient_decision decide(struct arena *scratch, struct slice address,
					const struct recipient_rules *rules, int64_t unix_ms,
					bool refreshed, struct recipient_counters *counters)
{
	struct question question = { .rules = rules, .unix_ms = unix_ms, .refreshed = refreshed };
	struct recipient_decision decision;
	struct address parts, given;
	enum rcpt_outcome outcome;
	struct token token;

	/* RFC 5321 4.5.1: always to be accepted; no other address comes without a domain. */
	if (slice_equal_nocase(address, SLICE("postmaster")))
		return accept(RCPT_POSTMASTER, RECIPIENT_ROLE, 0);
	if (rules->directory == NULL)
		return refuse(RCPT_LATER, RCPT_NO_DIRECTORY, &not_ready);
	/* The normal form has no needless quotes, so "postmaster"@… is postmaster@…. Of what has
	 * none (too long a domain, say) no domain can be ours. */
	if (!address_split(address_normalise(scratch, address), &parts) ||
	    !address_split(address, &given))
		return refuse(RCPT_REFUSE, RCPT_OTHER_DOMAIN, &not_ours);
	question.domain = directory_domain_find(rules->directory, parts.domain);
	if (question.domain == NULL)
		return unknown(refreshed, RCPT_OTHER_DOMAIN, RCPT_REFUSE, &not_ours);
	question.normal = parts.local;
	question.local = given.local;
	outcome = check_token(&question, counters, &token);
	if (is_role(parts.local, rules->role_names))
		return accept(RCPT_ROLE, RECIPIENT_ROLE, question.domain->account_id);
	decision = decide_token(scratch, &question, outcome, &token);
	ask_guard(&question, &decision);
	return decision;
}

struct recipient_decision recipient_decide(struct slice address,
					   const struct recipient_rules *rules, int64_t unix_ms,
					   bool refreshed, struct recipient_counters *counters)
{
	struct arena *scratch = arena_new(1024);
	struct recipient_decision decision =
		decide(scratch, address, rules, unix_ms, refreshed, counters);

	arena_free(scratch);
	decision.recipient.address = address;
	if (decision.verdict != RCPT_REFRESH)
		counters->count[decision.outcome]++;
	return decision;
}
