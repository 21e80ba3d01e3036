/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory: bounce domains with their legacy patterns, accounts, token keys and API keys, as
 * ingest caches them. The store loads a new one every few seconds; a loaded directory never
 * changes.
 */
#ifndef BOUNCED_CORE_DIRECTORY_H
#define BOUNCED_CORE_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/hash.h"
#include "core/slice.h"
#include "core/token.h"

enum account_mode { ACCOUNT_ENFORCE, ACCOUNT_OBSERVE };

struct directory_account {
	uint64_t id;
	enum account_mode mode;
	bool accept_unverified;
};

/* What RCPT answers to a malformed token or one with a bad MAC. */
enum reject_invalid { REJECT_INVALID_ACCEPT, REJECT_INVALID_550 };

#define PATTERN_SECRET_MAX 128

/* How the {hmac} of a legacy pattern is made. */
enum pattern_algorithm { PATTERN_UNSIGNED, PATTERN_HMAC_SHA256, PATTERN_HMAC_SHA1 };

/* A form of return path, made by another system, that a domain takes (ingest/legacy_pattern.h). */
struct directory_pattern {
	struct slice domain; /* normal form */
	uint8_t number;      /* of those of its domain; the lowest is tried first */
	struct slice template_;
	enum pattern_algorithm algorithm;
	struct slice covers; /* template of what the HMAC is made over */
	uint8_t mac_digits;  /* hex digits of it */
	uint8_t secret[PATTERN_SECRET_MAX];
	uint8_t secret_len;
	int64_t expires_at; /* TIME_NONE: never */
};

struct directory_domain {
	struct slice name;   /* normal form */
	uint64_t account_id; /* 0: shared, what cannot be attributed is the operator's */
	enum reject_invalid reject_invalid;
	const struct directory_pattern *patterns; /* by directory_finish() */
	size_t pattern_count;
};

enum token_key_state { TOKEN_KEY_NEXT, TOKEN_KEY_CURRENT, TOKEN_KEY_RETIRED, TOKEN_KEY_REVOKED };

struct directory_token_key {
	uint64_t account_id;
	uint8_t key_id;
	enum token_key_state state;
	uint8_t secret[TOKEN_KEY_LEN];
};

/* An API key that may hand over reports (scope ingest). */
struct directory_api_key {
	struct slice id;
	uint64_t account_id;
	int64_t expires_at; /* Unix ms; INT64_MAX: never */
	uint8_t secret_sha256[SHA256_LEN];
};

struct directory {
	struct arena *arena;                /* owns the arrays and their text */
	struct directory_account *accounts; /* by id */
	size_t account_count;
	struct directory_domain *domains; /* by name */
	size_t domain_count;
	struct directory_pattern *patterns; /* by domain, number */
	size_t pattern_count;
	struct directory_token_key *keys; /* by account_id, key_id */
	size_t key_count;
	struct directory_api_key *api_keys; /* by id */
	size_t api_key_count;
	int64_t loaded_at; /* time_monotonic_ms() */
};

/* Sorts the arrays, and gives the domains their patterns; to be called once by whoever filled them.
 */
void directory_finish(struct directory *directory);
/* Wipes the secrets and frees the arena, which holds *directory itself. NULL is fine. */
void directory_free(struct directory *directory);

const struct directory_account *directory_account_find(const struct directory *directory,
						       uint64_t id);
/* name in normal form */
const struct directory_domain *directory_domain_find(const struct directory *directory,
						     struct slice name);
/* Revoked keys are not found. A loaded directory has those as revoked that were retired too long
 * ago. */
const struct directory_token_key *directory_key_find(const struct directory *directory,
						     uint64_t account_id, uint8_t key_id);
/* The key is known, and nothing that it signed counts any more. */
bool directory_key_is_revoked(const struct directory *directory, uint64_t account_id,
			      uint8_t key_id);
/* The key that new tokens are signed with, or NULL. */
const struct directory_token_key *directory_key_current(const struct directory *directory,
							uint64_t account_id);
/* Also one that has expired. */
const struct directory_api_key *directory_api_key_find(const struct directory *directory,
						       struct slice id);

#endif
