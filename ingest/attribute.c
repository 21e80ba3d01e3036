/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/attribute.h"

#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "core/authentication.h"
#include "core/limits.h"
#include "core/provider.h"
#include "core/timestamp.h"
#include "core/utf8.h"
#include "ingest/legacy_pattern.h"
#include "ingest/policy.h"

/* What ties the report to somebody, before its recipients are looked at. */
struct identity {
	const struct token *token; /* verified; NULL: none */
	const struct directory_token_key *key;
	struct legacy_match legacy; /* of the envelope recipient, where there is no token */
	bool submitted;             /* handed over with an API key, or on a trusted listener */
};

struct context {
	const struct inbound *inbound;
	const struct report *report;
	const struct directory *directory;
	struct arena *arena;
	struct filing *filing;
	struct identity identity;
	const struct directory_account *account; /* NULL where the directory does not know it */
};

static struct slice u64_bytes(struct arena *arena, uint64_t value)
{
	return arena_copy(arena, slice_from((const char *)&value, sizeof(value)));
}

/* The verified token among the candidates that the parser found in the returned part: only of the
 * account that owns the recipient's domain, or of any on a shared domain (account 0). */
static const struct token *verified_candidate(const struct report *report,
					      const struct directory *directory,
					      uint64_t account_id, struct arena *arena,
					      const struct directory_token_key **ret_key)
{
	for (size_t i = 0; i < report->candidate_count; i++) {
		struct token token;

		if (!token_decode(report->candidates[i].text, &token) ||
		    (account_id != 0 && token.account != account_id))
			continue;
		const struct directory_token_key *key =
			directory_key_find(directory, token.account, token.key_id);

		if (key == NULL || !token_mac_valid(&token, key->secret))
			continue;
		struct token *kept = ARENA_NEW(arena, struct token);

		*kept = token;
		*ret_key = key;
		return kept;
	}
	return NULL;
}

/* The token in the address to which an API key's holder handed the report; NULL: none of theirs. */
static const struct token *submitted_token(const struct context *context,
					   const struct inbound_recipient *recipient,
					   const struct directory_token_key **ret_key)
{
	struct token *token = ARENA_NEW(context->arena, struct token);
	struct address parts;

	if (!address_split(recipient->address, &parts) ||
	    !token_decode(return_path_unwrap(parts.local), token) ||
	    token->account != recipient->account_id)
		return NULL;
	*ret_key = directory_key_find(context->directory, token->account, token->key_id);
	return *ret_key != NULL && token_mac_valid(token, (*ret_key)->secret) ? token : NULL;
}

/* Matched again: a pattern that has ended since RCPT says nothing any more. */
static struct legacy_match legacy_identity(const struct context *context,
					   const struct inbound_recipient *recipient)
{
	const struct directory_domain *domain = NULL;
	struct address parts, normal;

	if (address_split(recipient->address, &parts) &&
	    address_split(address_normalise(context->arena, recipient->address), &normal))
		domain = directory_domain_find(context->directory, normal.domain);
	if (domain == NULL)
		return (struct legacy_match){ LEGACY_NONE, SLICE_NONE, SLICE_NONE };
	return legacy_pattern_match(domain, parts.local, context->inbound->received_at,
				    context->arena);
}

static struct identity identify(const struct context *context,
				const struct inbound_recipient *recipient)
{
	struct identity identity = { 0 };

	identity.submitted = recipient->basis == RECIPIENT_SUBMITTED || context->inbound->trusted;
	if (recipient->basis == RECIPIENT_SUBMITTED)
		identity.token = submitted_token(context, recipient, &identity.key);
	if (recipient->basis == RECIPIENT_TOKEN) {
		identity.key = directory_key_find(context->directory, recipient->token.account,
						  recipient->token.key_id);
		if (identity.key != NULL)
			identity.token = &recipient->token;
	}
	if (identity.token == NULL)
		identity.token =
			verified_candidate(context->report, context->directory,
					   recipient->account_id, context->arena, &identity.key);
	if (identity.token == NULL && recipient->basis == RECIPIENT_LEGACY)
		identity.legacy = legacy_identity(context, recipient);
	return identity;
}

/* -- one event -- */

static bool fits_commitment(const struct context *context, struct slice address)
{
	return !slice_empty(address) &&
	       token_commitment_fits(context->identity.token, context->identity.key->secret,
				     context->arena, address);
}

static bool token_is_late(const struct context *context)
{
	int32_t today = time_token_day(context->inbound->received_at);
	int32_t days = policy_token_days(context->report->kind);

	return days != INT32_MAX && today - (int32_t)context->identity.token->issue_day > days;
}

/* Trust of an event that a token vouches for, and whom it is about. */
static void trust_by_token(const struct context *context, const struct report_recipient *recipient,
			   struct filing_event *event)
{
	const struct token *token = context->identity.token;
	bool named = recipient != NULL && !recipient->redacted && !slice_empty(recipient->address);

	event->attributed = true;
	event->ref = token_ref_text(token, context->arena);
	event->campaign = token->campaign;
	event->late = token_is_late(context);
	event->trust = TRUST_VERIFIED;
	if (!named)
		return;
	if (!token->has_commitment) {
		/* Nothing says that the token was this address's: it speaks for its ref only. */
		event->address = address_normalise(context->arena, recipient->address);
	} else if (fits_commitment(context, recipient->address)) {
		event->address = address_normalise(context->arena, recipient->address);
		event->suppress_address = event->names_ref = true;
	} else if (fits_commitment(context, recipient->original)) {
		event->address = address_normalise(context->arena, recipient->original);
		event->suppress_address = event->names_ref = true;
	} else {
		event->trust = TRUST_FORWARDED;
	}
}

/* Without a token only the report's own words say whom it is about. */
static void trust_by_name(const struct context *context, const struct report_recipient *recipient,
			  struct filing_event *event)
{
	event->trust = TRUST_UNVERIFIED;
	if (recipient == NULL || recipient->redacted)
		return;
	event->address = address_normalise(context->arena, recipient->address);
	event->suppress_address = context->account != NULL && context->account->accept_unverified &&
				  !slice_empty(event->address);
}

/*
 * Trust of an event whose return path fits a legacy pattern. Like a token's: the address in the
 * return path may be suppressed, or the ref; what the report itself names must be the same. An
 * unsigned one with a report about somebody else proves nothing at all.
 */
static void trust_by_legacy(const struct context *context, const struct report_recipient *recipient,
			    struct filing_event *event)
{
	const struct legacy_match *legacy = &context->identity.legacy;
	bool is_signed = legacy->verdict == LEGACY_VERIFIED;
	bool named = recipient != NULL && !recipient->redacted && !slice_empty(recipient->address);

	event->attributed = true;
	event->trust = is_signed ? TRUST_VERIFIED : TRUST_LEGACY;
	event->ref = legacy->ref;
	event->address = legacy->address;
	event->suppress_address = !slice_empty(legacy->address);
	event->names_ref = is_signed && event->suppress_address;
	if (!named)
		return;

	struct slice final = address_normalise(context->arena, recipient->address);
	struct slice original = address_normalise(context->arena, recipient->original);

	if (slice_empty(legacy->address)) {
		event->address = final;
	} else if (!slice_equal(final, legacy->address) &&
		   !slice_equal(original, legacy->address)) {
		event->suppress_address = event->names_ref = false;
		event->trust = TRUST_FORWARDED;
		if (!is_signed)
			trust_by_name(context, recipient, event);
	}
}

static bool is_at_ours(const struct context *context, struct slice address)
{
	struct address parts;

	return address_split(address_normalise(context->arena, address), &parts) &&
	       directory_domain_find(context->directory, parts.domain) != NULL;
}

/* A genuine report about somebody else's mail, sent on to us, must not act: it came straight from
 * the reporter, or the reporter addressed it to us, or what it returns is a mail of ours. */
static bool is_for_us(const struct context *context, const struct authentication *authentication)
{
	return authentication->reporter_direct ||
	       (authentication->reporter_signed_to && is_at_ours(context, authentication->to)) ||
	       is_at_ours(context, context->report->original.return_path);
}

/* A feedback report that an allow-listed reporter has proven to be its own, and to be for us. */
static bool reporter_vouches(const struct context *context)
{
	const struct authentication *authentication = context->inbound->authentication;

	return context->report->kind == REPORT_COMPLAINT && authentication != NULL &&
	       !slice_empty(authentication->reporter) && is_for_us(context, authentication);
}

/* Who holds an API key, or is a known reporter, may name anybody: with or without a token, the
 * named address counts. */
static void trust_submitter(const struct context *context, const struct report_recipient *recipient,
			    struct filing_event *event)
{
	event->trust = TRUST_AUTHENTICATED;
	event->late = false;
	if (!event->suppress_address && recipient != NULL && !recipient->redacted) {
		event->address = address_normalise(context->arena, recipient->address);
		event->suppress_address = !slice_empty(event->address);
	}
	event->attributed = event->attributed || event->suppress_address;
}

static bool is_trusted(const struct filing_event *event)
{
	switch (event->trust) {
	case TRUST_VERIFIED:
	case TRUST_AUTHENTICATED:
		return true;
	case TRUST_LEGACY: /* for hard bounces only */
		return event->kind == REPORT_BOUNCE;
	case TRUST_UNVERIFIED: /* where the account says so */
		return event->suppress_address;
	case TRUST_FORWARDED:
	case TRUST_COUNT:
		break;
	}
	return false;
}

static void decide_effect(const struct context *context, const struct report_recipient *recipient,
			  struct filing_event *event)
{
	struct policy_decision decision = policy_decide(context->report, recipient);
	bool has_subject = event->suppress_address || !slice_empty(event->ref);
	bool trusted = is_trusted(event);
	bool observe = context->account != NULL && context->account->mode == ACCOUNT_OBSERVE;

	/* Successes are too many to look for an entry that one may name. */
	event->names_ref = event->names_ref && !slice_empty(event->ref) && !event->late &&
			   !observe && event->kind != REPORT_DELIVERED;
	event->stream = SLICE_NONE;
	event->policy = SLICE_NONE;
	if (!decision.suppress || !has_subject || !trusted || event->late)
		return;
	event->origin = decision.origin;
	event->stream = decision.stream;
	event->policy = decision.policy;
	event->effect = observe ? EFFECT_WOULD_SUPPRESS : EFFECT_SUPPRESS;
}

/* What the report's return path, or the token inside it, says; empty where it says nothing. */
static struct slice identity_bytes(const struct context *context)
{
	const struct token *token = context->identity.token;
	const struct legacy_match *legacy = &context->identity.legacy;

	if (token != NULL)
		return slice_from((const char *)token->bytes, token->byte_count);
	if (legacy->verdict == LEGACY_NONE)
		return SLICE_NONE;
	return arena_printf(context->arena, "%.*s\n%.*s", SLICE_ARG(legacy->ref),
			    SLICE_ARG(legacy->address));
}

/*
 * The same event arriving by another way has the same key: account, token, final recipient, action,
 * status class and the report's Message-ID; without one what identifies the attempt, and where the
 * report names nobody and nothing, the message itself.
 */
static void event_key(const struct context *context, const struct report_recipient *recipient,
		      struct filing_event *event)
{
	const struct report *report = context->report;
	struct arena *arena = context->arena;
	int64_t day = context->inbound->received_at / TIME_DAY_MS;
	struct slice pieces[10] = {
		SLICE("bounced/event/1"),
		u64_bytes(arena, context->filing->account_id),
		identity_bytes(context),
		recipient == NULL ? SLICE_NONE : recipient->address,
		slice_from_cstr(report_kind_word(report->kind)),
		recipient == NULL ? SLICE_NONE
				  : slice_from_cstr(report_action_word(recipient->action)),
		recipient == NULL ? SLICE_NONE : slice_head(recipient->status, 1),
	};
	size_t count = 7;

	if (!slice_empty(report->message_id)) {
		pieces[count++] = report->message_id;
	} else if (recipient == NULL) {
		pieces[count++] = slice_from((const char *)context->filing->key, SHA256_LEN);
	} else {
		pieces[count++] = report->reporting_mta;
		pieces[count++] = recipient->diagnostic;
		pieces[count++] = u64_bytes(arena, report->arrival_date != TIME_NONE
							   ? (uint64_t)report->arrival_date
							   : (uint64_t)day);
	}
	sha256_pieces(pieces, count, event->key);
}

/*
 * Who holds a token may send any number of reports with it: for each recipient and origin the first
 * one has an effect, and the others are recorded. A legacy return path is the same in all mails to
 * somebody, so that each of its events may have an effect; and so may what a key hands over.
 */
static void effect_key(const struct context *context, struct filing_event *event)
{
	const struct slice pieces[] = {
		SLICE("bounced/effect/1"),
		u64_bytes(context->arena, context->filing->account_id),
		identity_bytes(context),
		event->suppress_address ? event->address : SLICE_NONE,
		slice_from_cstr(origin_word(event->origin)),
		event->effect == EFFECT_SUPPRESS ? SLICE("suppress") : SLICE("would_suppress"),
	};

	event->once = event->effect != EFFECT_NONE && context->identity.token != NULL &&
		      event->trust != TRUST_AUTHENTICATED;
	if (event->once)
		sha256_pieces(pieces, sizeof(pieces) / sizeof(pieces[0]), event->effect_key);
}

static struct slice domain_of(struct slice address)
{
	struct address parts;

	return address_split(address, &parts) ? parts.domain : SLICE_NONE;
}

static void describe_provider(const struct context *context,
			      const struct report_recipient *recipient, struct filing_event *event)
{
	struct slice host =
		recipient != NULL && !slice_empty(recipient->remote_mta) ? recipient->remote_mta
		: !slice_empty(context->report->reporting_mta) ? context->report->reporting_mta
							       : domain_of(context->report->from);
	struct slice domain = domain_of(event->address);

	event->provider = provider_of(domain, host);
	/* Roll-ups have a row per domain: only what a signature or a key vouches for may make one.
	 */
	event->recipient_domain = event->trust == TRUST_UNVERIFIED || event->trust == TRUST_LEGACY
					  ? SLICE_NONE
					  : domain;
}

/* One report may say of its recipients that one failed, the next is delayed and a third was
 * reached. */
static enum report_kind event_kind(const struct report *report,
				   const struct report_recipient *recipient)
{
	bool notification = report->kind == REPORT_BOUNCE || report->kind == REPORT_DELAY ||
			    report->kind == REPORT_DELIVERED;

	if (!notification || recipient == NULL)
		return report->kind;
	switch (recipient->action) {
	case ACTION_FAILED:
		return REPORT_BOUNCE;
	case ACTION_DELAYED:
		return REPORT_DELAY;
	case ACTION_DELIVERED:
	case ACTION_RELAYED:
	case ACTION_EXPANDED:
		return REPORT_DELIVERED;
	case ACTION_NONE:
	case ACTION_COUNT:
		break;
	}
	return report->kind;
}

static void fill_event(const struct context *context, const struct report_recipient *recipient,
		       struct filing_event *event)
{
	event->id = uuid_v7(context->inbound->received_at);
	event->recipient = recipient;
	event->kind = event_kind(context->report, recipient);
	event->address = event->ref = SLICE_NONE;
	if (context->identity.token != NULL)
		trust_by_token(context, recipient, event);
	else if (context->identity.legacy.verdict == LEGACY_UNSIGNED ||
		 context->identity.legacy.verdict == LEGACY_VERIFIED)
		trust_by_legacy(context, recipient, event);
	else
		trust_by_name(context, recipient, event);
	if (context->identity.submitted || reporter_vouches(context))
		trust_submitter(context, recipient, event);
	decide_effect(context, recipient, event);
	event_key(context, recipient, event);
	effect_key(context, event);
	describe_provider(context, recipient, event);
}

/* -- one filing -- */

static int compare_slices(const void *a, const void *b)
{
	const struct slice *left = a, *right = b;

	return slice_compare(*left, *right);
}

/* What identifies the recipient, however its address was spelled or wrapped. */
static struct slice recipient_identity(const struct inbound_recipient *recipient,
				       struct arena *arena)
{
	if (recipient->basis == RECIPIENT_TOKEN)
		return slice_from((const char *)recipient->token.bytes,
				  recipient->token.byte_count);
	struct slice normal = address_normalise(arena, recipient->address);

	return slice_empty(normal) ? recipient->address : normal;
}

static void report_key(const struct context *context, const struct slice *identities, size_t count)
{
	struct slice *pieces = ARENA_ARRAY(context->arena, struct slice, count + 3);
	size_t n = 0;

	pieces[n++] = SLICE("bounced/report/1");
	pieces[n++] = u64_bytes(context->arena, context->filing->account_id);
	for (size_t i = 0; i < count; i++)
		pieces[n++] = identities[i];
	pieces[n++] = buf_slice(&context->inbound->raw);
	sha256_pieces(pieces, n, context->filing->key);
}

/* Gathers the envelope recipients of one account, and the key over them. */
static void gather_recipients(struct context *context, const uint64_t *accounts, uint64_t account)
{
	const struct inbound *inbound = context->inbound;
	struct filing *filing = context->filing;
	struct slice *identities =
		ARENA_ARRAY(context->arena, struct slice, inbound->recipient_count);

	filing->recipients = ARENA_ARRAY(context->arena, struct slice, inbound->recipient_count);
	for (size_t i = 0; i < inbound->recipient_count; i++) {
		if (accounts[i] != account)
			continue;
		identities[filing->recipient_count] =
			recipient_identity(&inbound->recipients[i], context->arena);
		filing->recipients[filing->recipient_count++] =
			utf8_repair(context->arena, inbound->recipients[i].address);
	}
	qsort(identities, filing->recipient_count, sizeof(*identities), compare_slices);
	report_key(context, identities, filing->recipient_count);
}

/* Who sent it would matter, and is not known yet. */
static bool is_undecided(const struct context *context)
{
	const struct authentication *authentication = context->inbound->authentication;

	return context->report->kind == REPORT_COMPLAINT && authentication != NULL &&
	       authentication->undecided && context->identity.token == NULL &&
	       !context->identity.submitted;
}

static void fill_events(struct context *context)
{
	const struct report *report = context->report;
	struct filing *filing = context->filing;
	size_t named = report->recipient_count;

	filing->event_count = named == 0 ? 1 : named;
	/* what had its effect already must not have it again */
	filing->undecided = is_undecided(context);
	filing->events = ARENA_ARRAY(context->arena, struct filing_event, filing->event_count);
	for (size_t i = 0; i < filing->event_count; i++) {
		struct filing_event *event = &filing->events[i];

		fill_event(context, named == 0 ? NULL : &report->recipients[i], event);
		if (event->trust > filing->trust)
			filing->trust = event->trust;
		filing->undecided = filing->undecided && event->effect == EFFECT_NONE;
	}
}

struct filings attribute(const struct inbound *inbound, const struct report *report,
			 const struct directory *directory, struct arena *arena)
{
	size_t recipients = inbound->recipient_count;
	struct filings filings = { ARENA_ARRAY(arena, struct filing, recipients), 0 };
	uint64_t *accounts = ARENA_ARRAY(arena, uint64_t, recipients);
	struct identity *identities = ARENA_ARRAY(arena, struct identity, recipients);
	struct context context = { inbound, report, directory, arena, NULL, { 0 }, NULL };

	for (size_t i = 0; i < recipients; i++) {
		identities[i] = identify(&context, &inbound->recipients[i]);
		accounts[i] = identities[i].token != NULL ? identities[i].token->account
							  : inbound->recipients[i].account_id;
	}
	for (size_t i = 0; i < recipients; i++) {
		size_t best = i;
		bool seen = false;

		for (size_t j = 0; j < i; j++)
			seen = seen || accounts[j] == accounts[i];
		if (seen)
			continue;
		/* of several recipients of one account, one with a token speaks for the report */
		while (best < recipients &&
		       (accounts[best] != accounts[i] || identities[best].token == NULL))
			best++;
		context.filing = &filings.items[filings.count++];
		context.identity = identities[best < recipients ? best : i];
		context.account = directory_account_find(directory, accounts[i]);
		*context.filing = (struct filing){ .inbound = inbound,
						   .report = report,
						   .account_id = accounts[i],
						   .report_id = uuid_v7(inbound->received_at),
						   .trust = TRUST_UNVERIFIED };
		gather_recipients(&context, accounts, accounts[i]);
		fill_events(&context);
	}
	return filings;
}

bool attribute_wants_authentication(const struct inbound *inbound, const struct report *report,
				    const struct directory *directory, struct arena *arena)
{
	const struct context context = { inbound, report, directory, arena, NULL, { 0 }, NULL };

	if (report->kind != REPORT_COMPLAINT)
		return false;
	for (size_t i = 0; i < inbound->recipient_count; i++) {
		struct identity identity = identify(&context, &inbound->recipients[i]);

		if (identity.token == NULL && !identity.submitted)
			return true;
	}
	return false;
}
