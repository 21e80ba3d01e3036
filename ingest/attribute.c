/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/attribute.h"

#include <stdlib.h>

#include "core/address.h"
#include "core/authentication.h"
#include "core/provider.h"
#include "core/utf8.h"
#include "ingest/attribution.h"

/* -- one event -- */

static struct slice domain_of(struct slice address)
{
	struct address parts;

	return address_split(address, &parts) ? parts.domain : SLICE_NONE;
}

static void describe_provider(const struct attribution *context,
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

static void fill_event(const struct attribution *context, const struct report_recipient *recipient,
		       struct filing_event *event)
{
	event->id = uuid_v7(context->inbound->received_at);
	event->recipient = recipient;
	event->kind = event_kind(context->report, recipient);
	event->address = event->ref = SLICE_NONE;
	attribution_trust(context, recipient, event);
	attribution_decide_effect(context, recipient, event);
	attribution_event_key(context, recipient, event);
	attribution_effect_key(context, event);
	describe_provider(context, recipient, event);
}

/* -- one filing -- */

static int compare_slices(const void *a, const void *b)
{
	const struct slice *left = a, *right = b;

	return slice_compare(*left, *right);
}

/* Gathers the envelope recipients of one account, and the key over them. */
static void gather_recipients(struct attribution *context, const uint64_t *accounts,
			      uint64_t account)
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
			attribution_recipient_identity(&inbound->recipients[i], context->arena);
		filing->recipients[filing->recipient_count++] =
			utf8_repair(context->arena, inbound->recipients[i].address);
	}
	qsort(identities, filing->recipient_count, sizeof(*identities), compare_slices);
	attribution_report_key(context, identities, filing->recipient_count);
}

/* Who sent it would matter, and is not known yet. */
static bool is_undecided(const struct attribution *context)
{
	const struct authentication *authentication = context->inbound->authentication;

	return context->report->kind == REPORT_COMPLAINT && authentication != NULL &&
	       authentication->undecided && context->identity.token == NULL &&
	       !context->identity.submitted;
}

static void fill_events(struct attribution *context)
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
	struct attribution_identity *identities =
		ARENA_ARRAY(arena, struct attribution_identity, recipients);
	struct attribution context = { inbound, report, directory, arena, NULL, { 0 }, NULL };

	for (size_t i = 0; i < recipients; i++) {
		identities[i] = attribution_identify(&context, &inbound->recipients[i]);
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
	const struct attribution context = { inbound, report, directory, arena, NULL, { 0 }, NULL };

	if (report->kind != REPORT_COMPLAINT)
		return false;
	for (size_t i = 0; i < inbound->recipient_count; i++) {
		struct attribution_identity identity =
			attribution_identify(&context, &inbound->recipients[i]);

		if (identity.token == NULL && !identity.submitted)
			return true;
	}
	return false;
}
