/* SPDX-License-Identifier: Apache-2.0 */
#include "app/minting.h"

#include "core/timestamp.h"

enum err minting_mint_by(const struct directory *directory, struct token *token,
			 struct slice address, int64_t now_ms, struct arena *arena,
			 struct slice *ret_text)
{
	const struct directory_token_key *key = directory_key_current(directory, token->account);
	int32_t day = time_token_day(now_ms);

	if (!key)
		return ERR_MISSING;
	if (day < 0 || day > UINT16_MAX)
		return ERR_REFUSE;
	token->key_id = key->key_id;
	token->issue_day = (uint16_t)day;
	if (!slice_empty(address))
		token_commit(token, key->secret, arena, address);
	return token_mint(token, key->secret, arena, ret_text);
}

enum token_verdict minting_verify_by(const struct directory *directory, const struct token *token)
{
	const struct directory_token_key *key =
		directory_key_find(directory, token->account, token->key_id);

	if (!key)
		return TOKEN_UNKNOWN_KEY;
	return token_mac_valid(token, key->secret) ? TOKEN_VALID : TOKEN_BAD_MAC;
}

/* The account's own domains come before the shared ones, which are the operator's. */
static const struct directory_domain *first_domain(const struct directory *directory,
						   uint64_t account_id)
{
	const struct directory_domain *shared = NULL;

	for (size_t i = 0; i < directory->domain_count; i++) {
		const struct directory_domain *domain = &directory->domains[i];

		if (domain->account_id == account_id)
			return domain;
		if (domain->account_id == 0 && !shared)
			shared = domain;
	}
	return shared;
}

enum err minting_domain_by(const struct directory *directory, uint64_t account_id,
			   struct slice wanted, struct arena *arena, struct slice *ret_domain)
{
	const struct directory_domain *domain = slice_empty(wanted)
							? first_domain(directory, account_id)
							: directory_domain_find(directory, wanted);

	if (!domain || (domain->account_id != account_id && domain->account_id != 0))
		return ERR_MISSING;
	*ret_domain = arena_copy(arena, domain->name);
	return OK;
}

/* -- with a second look -- */

enum err minting_mint(struct shared_directory *shared, struct token *token, struct slice address,
		      int64_t now_ms, struct arena *arena, struct slice *ret_text)
{
	enum err err = ERR_RETRY;

	do {
		const struct directory *directory = shared_directory_lock(shared);

		if (!directory)
			continue;
		err = minting_mint_by(directory, token, address, now_ms, arena, ret_text);
		shared_directory_unlock(shared);
	} while ((err == ERR_RETRY || err == ERR_MISSING) && shared_directory_refresh(shared));
	return err;
}

enum err minting_verify(struct shared_directory *shared, const struct token *token,
			enum token_verdict *ret_verdict)
{
	enum err err = ERR_RETRY;

	do {
		const struct directory *directory = shared_directory_lock(shared);

		if (!directory)
			continue;
		*ret_verdict = minting_verify_by(directory, token);
		shared_directory_unlock(shared);
		err = OK;
	} while ((err == ERR_RETRY || *ret_verdict == TOKEN_UNKNOWN_KEY) &&
		 shared_directory_refresh(shared));
	return err;
}

enum err minting_domain(struct shared_directory *shared, uint64_t account_id, struct slice wanted,
			struct arena *arena, struct slice *ret_domain)
{
	enum err err = ERR_RETRY;

	do {
		const struct directory *directory = shared_directory_lock(shared);

		if (!directory)
			continue;
		err = minting_domain_by(directory, account_id, wanted, arena, ret_domain);
		shared_directory_unlock(shared);
	} while (err != OK && shared_directory_refresh(shared));
	return err;
}
