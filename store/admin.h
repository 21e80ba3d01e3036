/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Administration for the command line: accounts, bounce domains and their legacy patterns, API
 * keys, token keys. Blocking, over the owner's connection.
 *
 * All return ERR_REFUSE for input that cannot stand, ERR_MISSING where the account or key named
 * does not exist, ERR_RETRY without database; *ret_error (never empty then) says why, for a person,
 * and lives in the arena, like all results.
 */
#ifndef BOUNCED_STORE_ADMIN_H
#define BOUNCED_STORE_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/directory.h"
#include "core/err.h"
#include "core/hash.h"
#include "core/slice.h"
#include "store/pg.h"
#include "store/token_key.h" /* token_key_state_word() */

/* The two that every call needs. */
struct admin {
	struct pg *pg;
	struct arena *arena;
};

struct admin_account {
	uint64_t id;
	struct slice name;
	enum account_mode mode;
	bool accept_unverified;
	int64_t created_at;
};

enum err admin_account_create(struct admin *admin, struct slice name, enum account_mode mode,
			      uint64_t *ret_id, struct slice *ret_error) MUST_CHECK;
/* By id. */
enum err admin_account_list(struct admin *admin, struct admin_account **ret_accounts,
			    size_t *ret_count, struct slice *ret_error) MUST_CHECK;
/* By its name, or its number in decimal. */
enum err admin_account_find(struct admin *admin, struct slice name_or_id,
			    struct admin_account *ret_account, struct slice *ret_error) MUST_CHECK;

/* Writes mode and accept_unverified of the account with that id. */
enum err admin_account_save(struct admin *admin, const struct admin_account *account,
			    struct slice *ret_error) MUST_CHECK;

struct admin_domain {
	struct slice name;
	uint64_t account_id; /* 0: shared by all accounts */
	enum reject_invalid reject_invalid;
	int64_t created_at;
};

/* name: any spelling; stored as A-labels in lower case. Adding a domain again with the same account
 * changes its reject_invalid; one of another account is refused. */
enum err admin_domain_add(struct admin *admin, struct slice name, uint64_t account_id,
			  enum reject_invalid reject_invalid, struct slice *ret_error) MUST_CHECK;
/* By name. */
enum err admin_domain_list(struct admin *admin, struct admin_domain **ret_domains,
			   size_t *ret_count, struct slice *ret_error) MUST_CHECK;

enum err admin_domain_find(struct admin *admin, struct slice name, struct admin_domain *ret_domain,
			   struct slice *ret_error) MUST_CHECK;

struct admin_pattern {
	struct directory_pattern pattern; /* without its secret */
	int64_t created_at;
};

/* pattern: must stand (ingest/legacy_pattern.h); its domain in any spelling; gets its number. A
 * shared domain is refused: a legacy return path does not say whose it is. */
enum err admin_pattern_add(struct admin *admin, const uint8_t master_key[SECRETBOX_KEY_LEN],
			   struct directory_pattern *pattern, struct slice *ret_error) MUST_CHECK;
/* By domain and number, those that have ended as well. */
enum err admin_pattern_list(struct admin *admin, struct admin_pattern **ret_patterns,
			    size_t *ret_count, struct slice *ret_error) MUST_CHECK;
enum err admin_pattern_remove(struct admin *admin, struct slice domain, uint64_t number,
			      struct slice *ret_error) MUST_CHECK;

enum api_scope {
	API_SCOPE_READ = 1,
	API_SCOPE_WRITE = 2,
	API_SCOPE_INGEST = 4,
	API_SCOPE_ADMIN = 8,
};

/* One word; 0 for an unknown one. */
unsigned api_scope_from_word(struct slice word);
/* The words of a set, space-separated. */
struct slice api_scope_words(unsigned scopes, struct arena *arena);

struct admin_api_key {
	struct slice id;
	uint64_t account_id;
	struct slice name;
	unsigned scopes; /* of enum api_scope */
	int64_t created_at;
	int64_t expires_at; /* TIME_NONE: never */
	int64_t revoked_at; /* TIME_NONE: valid */
};

/* What to create. */
struct admin_api_key_spec {
	uint64_t account_id;
	struct slice name;
	unsigned scopes;
	int64_t expires_at; /* TIME_NONE: never */
};

/* *ret_key is the key's text: shown once, stored nowhere. */
enum err admin_api_key_create(struct admin *admin, const struct admin_api_key_spec *spec,
			      struct slice *ret_key, struct slice *ret_error) MUST_CHECK;
/* By account and time. */
enum err admin_api_key_list(struct admin *admin, struct admin_api_key **ret_keys, size_t *ret_count,
			    struct slice *ret_error) MUST_CHECK;
/* Revoking twice is fine. */
enum err admin_api_key_revoke(struct admin *admin, struct slice key_id,
			      struct slice *ret_error) MUST_CHECK;

struct admin_token_key {
	uint64_t account_id;
	uint8_t key_id;
	enum token_key_state state;
	int64_t created_at;
	int64_t retired_at; /* TIME_NONE: not retired */
};

/*
 * A new random key with the account's next free id, sealed with the master key. The account's first
 * one is `current` at once; later ones are `next`, to be activated when every ingest process knows
 * them.
 */
enum err admin_token_key_create(struct admin *admin, uint64_t account_id,
				const uint8_t master_key[SECRETBOX_KEY_LEN],
				struct admin_token_key *ret_key,
				struct slice *ret_error) MUST_CHECK;
/* By account and id. */
enum err admin_token_key_list(struct admin *admin, struct admin_token_key **ret_keys,
			      size_t *ret_count, struct slice *ret_error) MUST_CHECK;

/*
 * The next key becomes current, and the current one is retired. ERR_REFUSE while an ingest process
 * that lives has not loaded the key, unless forced: its tokens would wait there until it has.
 */
enum err admin_token_key_activate(struct admin *admin, struct token_key_place place, bool force,
				  struct admin_token_key *ret_key,
				  struct slice *ret_error) MUST_CHECK;
/* It signs no more, and verifies for TOKEN_KEY_RETIRED_DAYS. */
enum err admin_token_key_retire(struct admin *admin, struct token_key_place place,
				struct admin_token_key *ret_key,
				struct slice *ret_error) MUST_CHECK;
/* It verifies no more, for ever. Revoking twice is fine. */
enum err admin_token_key_revoke(struct admin *admin, struct token_key_place place,
				struct admin_token_key *ret_key,
				struct slice *ret_error) MUST_CHECK;
/* The key itself, for a platform that mints. The caller wipes it. */
enum err admin_token_key_export(struct admin *admin, struct token_key_place place,
				const uint8_t master_key[SECRETBOX_KEY_LEN],
				struct admin_token_key *ret_key, uint8_t ret_secret[TOKEN_KEY_LEN],
				struct slice *ret_error) MUST_CHECK;

#endif
