/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/attribution.h"

#include "core/address.h"

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
static const struct token *submitted_token(const struct attribution *context,
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
static struct legacy_match legacy_identity(const struct attribution *context,
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

struct attribution_identity attribution_identify(const struct attribution *context,
						 const struct inbound_recipient *recipient)
{
	struct attribution_identity identity = { 0 };

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
