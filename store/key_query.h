/* SPDX-License-Identifier: Apache-2.0 */
/* API keys, looked up before the account is known. Keys are made and revoked by the program's own
 * commands, not here. */
#ifndef BOUNCED_STORE_KEY_QUERY_H
#define BOUNCED_STORE_KEY_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/hash.h"
#include "core/slice.h"
#include "store/pg.h"

struct key_row {
	uint64_t account_id;
	uint8_t secret_sha256[SHA256_LEN];
	const struct slice *scopes;
	size_t scope_count;
	bool usable; /* neither revoked nor expired */
};

/* ERR_MISSING: no such key. ERR_RETRY: database away. ERR_FATAL: pg_error(). */
enum err key_get(struct pg *pg, struct slice key_id, struct arena *arena,
		 struct key_row *ret_row) MUST_CHECK;

#endif
