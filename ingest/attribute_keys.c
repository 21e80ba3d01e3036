/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/attribution.h"

#include "core/address.h"
#include "core/timestamp.h"

static struct slice u64_bytes(struct arena *arena, uint64_t value)
{
	return arena_copy(arena, slice_from((const char *)&value, sizeof(value)));
}

/* What the report's return path, or the token inside it, says; empty where it says nothing. */
static struct slice identity_bytes(const struct attribution *context)
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
void attribution_event_key(const struct attribution *context,
			   const struct report_recipient *recipient, struct filing_event *event)
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
void attribution_effect_key(const struct attribution *context, struct filing_event *event)
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

struct slice attribution_recipient_identity(const struct inbound_recipient *recipient,
					    struct arena *arena)
{
	if (recipient->basis == RECIPIENT_TOKEN)
		return slice_from((const char *)recipient->token.bytes,
				  recipient->token.byte_count);
	struct slice normal = address_normalise(arena, recipient->address);

	return slice_empty(normal) ? recipient->address : normal;
}

void attribution_report_key(const struct attribution *context, const struct slice *identities,
			    size_t count)
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
