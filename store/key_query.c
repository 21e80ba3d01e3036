/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key_query.h"

#include <string.h>

static const char KEY_GET[] =
	"SELECT account_id, scopes, secret_sha256,"
	" revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) AS usable"
	" FROM api_key WHERE key_id = $1";

enum err key_get(struct pg *pg, struct slice key_id, struct arena *arena, struct key_row *ret_row)
{
	PG_RESULT result = NULL;
	struct pg_params params;
	enum pg_outcome outcome;
	const struct slice *scopes;
	struct slice *copies, digest;

	pg_params_init(&params, arena);
	pg_param_text(&params, key_id);
	outcome = pg_exec(pg, KEY_GET, &params, &result);
	if (outcome == PG_NONE)
		return ERR_MISSING;
	if (outcome != PG_SOME)
		return pg_err(outcome);
	digest = pg_bytes(result, 0, "secret_sha256");
	if (digest.len != SHA256_LEN)
		return ERR_MISSING;
	memcpy(ret_row->secret_sha256, digest.ptr, SHA256_LEN);
	ret_row->account_id = (uint64_t)pg_int(result, 0, "account_id");
	ret_row->usable = pg_bool(result, 0, "usable");
	scopes = pg_text_array(result, 0, "scopes", arena, &ret_row->scope_count);
	copies = ARENA_ARRAY(arena, struct slice, ret_row->scope_count);
	for (size_t i = 0; i < ret_row->scope_count; i++)
		copies[i] = arena_copy(arena, scopes[i]);
	ret_row->scopes = copies;
	return OK;
}
