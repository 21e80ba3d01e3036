/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/attribution.h"

#include "core/address.h"
#include "core/authentication.h"
#include "core/timestamp.h"
#include "ingest/policy.h"

static bool fits_commitment(const struct attribution *context, struct slice address)
{
	return !slice_empty(address) &&
	       token_commitment_fits(context->identity.token, context->identity.key->secret,
				     context->arena, address);
}

static bool token_is_late(const struct attribution *context)
{
	int32_t today = time_token_day(context->inbound->received_at);
	int32_t days = policy_token_days(context->report->kind);

	return days != INT32_MAX && today - (int32_t)context->identity.token->issue_day > days;
}

/* Trust of an event that a token vouches for, and whom it is about. */
static void trust_by_token(const struct attribution *context,
			   const struct report_recipient *recipient, struct filing_event *event)
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
static void trust_by_name(const struct attribution *context,
			  const struct report_recipient *recipient, struct filing_event *event)
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
static void trust_by_legacy(const struct attribution *context,
			    const struct report_recipient *recipient, struct filing_event *event)
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

static bool is_at_ours(const struct attribution *context, struct slice address)
{
	struct address parts;

	return address_split(address_normalise(context->arena, address), &parts) &&
	       directory_domain_find(context->directory, parts.domain) != NULL;
}

/* A genuine report about somebody else's mail, sent on to us, must not act: it came straight from
 * the reporter, or the reporter addressed it to us, or what it returns is a mail of ours. */
static bool is_for_us(const struct attribution *context,
		      const struct authentication *authentication)
{
	return authentication->reporter_direct ||
	       (authentication->reporter_signed_to && is_at_ours(context, authentication->to)) ||
	       is_at_ours(context, context->report->original.return_path);
}

/* A feedback report that an allow-listed reporter has proven to be its own, and to be for us. */
static bool reporter_vouches(const struct attribution *context)
{
	const struct authentication *authentication = context->inbound->authentication;

	return context->report->kind == REPORT_COMPLAINT && authentication != NULL &&
	       !slice_empty(authentication->reporter) && is_for_us(context, authentication);
}

/* Who holds an API key, or is a known reporter, may name anybody: with or without a token, the
 * named address counts. */
static void trust_submitter(const struct attribution *context,
			    const struct report_recipient *recipient, struct filing_event *event)
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

void attribution_trust(const struct attribution *context, const struct report_recipient *recipient,
		       struct filing_event *event)
{
	if (context->identity.token != NULL)
		trust_by_token(context, recipient, event);
	else if (context->identity.legacy.verdict == LEGACY_UNSIGNED ||
		 context->identity.legacy.verdict == LEGACY_VERIFIED)
		trust_by_legacy(context, recipient, event);
	else
		trust_by_name(context, recipient, event);
	if (context->identity.submitted || reporter_vouches(context))
		trust_submitter(context, recipient, event);
}

void attribution_decide_effect(const struct attribution *context,
			       const struct report_recipient *recipient, struct filing_event *event)
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
