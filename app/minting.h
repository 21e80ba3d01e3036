/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and checking tokens with a directory that may be a few seconds old: what it does not know
 * is looked up once more before saying so. For the API and the command line.
 */
#ifndef BOUNCED_APP_MINTING_H
#define BOUNCED_APP_MINTING_H

#include <stdint.h>

#include "api/service.h"
#include "app/shared_directory.h"
#include "core/arena.h"
#include "core/err.h"
#include "core/token.h"

/* As api_service.mint has it. */
enum err minting_mint(struct shared_directory *shared, struct token *token, struct slice address,
		      int64_t now_ms, struct arena *arena, struct slice *ret_text) MUST_CHECK;
/* As api_service.verify has it. */
enum err minting_verify(struct shared_directory *shared, const struct token *token,
			enum token_verdict *ret_verdict) MUST_CHECK;
/* As api_service.bounce_domain has it. */
enum err minting_domain(struct shared_directory *shared, uint64_t account_id, struct slice wanted,
			struct arena *arena, struct slice *ret_domain) MUST_CHECK;

/* The same on a directory, without looking again: for tests, and the ground that the others stand
 * on. ERR_MISSING where it does not know. */
enum err minting_mint_by(const struct directory *directory, struct token *token,
			 struct slice address, int64_t now_ms, struct arena *arena,
			 struct slice *ret_text) MUST_CHECK;
enum token_verdict minting_verify_by(const struct directory *directory, const struct token *token);
enum err minting_domain_by(const struct directory *directory, uint64_t account_id,
			   struct slice wanted, struct arena *arena,
			   struct slice *ret_domain) MUST_CHECK;

#endif
