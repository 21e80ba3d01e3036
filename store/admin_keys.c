/* SPDX-License-Identifier: Apache-2.0 */
/* The part of admin.h about API keys. */
#include "store/admin.h"

#include <inttypes.h>
#include <string.h>

#include "store/admin_error.h"
#include "store/api_key.h"

static const char SQL_API_KEY_CREATE[] =
	"INSERT INTO api_key (key_id, account_id, name, scopes, secret_sha256, expires_at)"
	" SELECT $1, account_id, $3, string_to_array($4, ' '), $5, $6"
	" FROM account WHERE account_id = $2"
	" RETURNING key_id";
static const char SQL_API_KEY_LIST[] =
	"SELECT key_id, account_id, name, array_to_string(scopes, ' ') AS scopes, created_at,"
	" expires_at, revoked_at"
	" FROM api_key ORDER BY account_id, created_at, key_id";
static const char SQL_API_KEY_REVOKE[] =
	"UPDATE api_key SET revoked_at = coalesce(revoked_at, now()) WHERE key_id = $1"
	" RETURNING key_id";
static enum err missing_account(struct admin *admin, uint64_t account_id, struct slice *ret_error)
{
	*ret_error = arena_printf(admin->arena, "there is no account %" PRIu64, account_id);
	return ERR_MISSING;
}

static const struct {
	enum api_scope scope;
	const char *word;
} SCOPES[] = {
	{ API_SCOPE_READ, "read" },
	{ API_SCOPE_WRITE, "write" },
	{ API_SCOPE_INGEST, "ingest" },
	{ API_SCOPE_ADMIN, "admin" },
};
#define SCOPE_COUNT (sizeof(SCOPES) / sizeof(SCOPES[0]))

unsigned api_scope_from_word(struct slice word)
{
	for (size_t i = 0; i < SCOPE_COUNT; i++) {
		if (slice_equal(word, slice_from_cstr(SCOPES[i].word)))
			return SCOPES[i].scope;
	}
	return 0;
}

struct slice api_scope_words(unsigned scopes, struct arena *arena)
{
	struct slice words = SLICE_NONE;

	for (size_t i = 0; i < SCOPE_COUNT; i++) {
		if (scopes & SCOPES[i].scope)
			words = arena_printf(arena, "%.*s%s%s", SLICE_ARG(words),
					     slice_empty(words) ? "" : " ", SCOPES[i].word);
	}
	return words;
}

static unsigned scopes_from_words(struct slice words)
{
	struct slice word;
	unsigned scopes = 0;

	while (slice_next_field(&words, ' ', &word))
		scopes |= api_scope_from_word(word);
	return scopes;
}

enum err admin_api_key_create(struct admin *admin, const struct admin_api_key_spec *spec,
			      struct slice *ret_key, struct slice *ret_error)
{
	char text[API_KEY_TEXT_LEN + 1];
	struct api_key_text key;
	struct pg_params params;

	if (spec->scopes == 0) {
		*ret_error = SLICE("a key needs at least one scope: read, write, ingest, admin");
		return ERR_REFUSE;
	}
	api_key_generate(text);
	struct slice copy = arena_copy(admin->arena, slice_from_cstr(text));
	if (!api_key_read(copy, &key))
		return ERR_FATAL;

	pg_params_init(&params, admin->arena);
	pg_param_text(&params, key.id);
	pg_param_int8(&params, (int64_t)spec->account_id);
	pg_param_text(&params, spec->name);
	pg_param_text(&params, api_scope_words(spec->scopes, admin->arena));
	pg_param_bytea(&params, slice_from((const char *)key.secret_sha256, SHA256_LEN));
	pg_param_time(&params, spec->expires_at);
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_API_KEY_CREATE, &params, NULL);
	if (outcome == PG_NONE)
		return missing_account(admin, spec->account_id, ret_error);
	if (outcome != PG_SOME)
		return admin_failed(admin, outcome, ret_error);
	*ret_key = copy;
	return OK;
}

enum err admin_api_key_list(struct admin *admin, struct admin_api_key **ret_keys, size_t *ret_count,
			    struct slice *ret_error)
{
	PG_RESULT result = NULL;
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_API_KEY_LIST, NULL, &result);

	if (outcome == PG_HARD || outcome == PG_RETRY)
		return admin_failed(admin, outcome, ret_error);
	*ret_count = (size_t)pg_rows(result);
	*ret_keys = ARENA_ARRAY(admin->arena, struct admin_api_key, *ret_count);
	for (int row = 0; row < pg_rows(result); row++) {
		(*ret_keys)[row] = (struct admin_api_key){
			.id = arena_copy(admin->arena, pg_text(result, row, "key_id")),
			.account_id = (uint64_t)pg_int(result, row, "account_id"),
			.name = arena_copy(admin->arena, pg_text(result, row, "name")),
			.scopes = scopes_from_words(pg_text(result, row, "scopes")),
			.created_at = pg_time(result, row, "created_at"),
			.expires_at = pg_time(result, row, "expires_at"),
			.revoked_at = pg_time(result, row, "revoked_at"),
		};
	}
	return OK;
}

enum err admin_api_key_revoke(struct admin *admin, struct slice key_id, struct slice *ret_error)
{
	struct pg_params params;

	pg_params_init(&params, admin->arena);
	pg_param_text(&params, key_id);
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_API_KEY_REVOKE, &params, NULL);
	if (outcome == PG_NONE) {
		*ret_error = arena_printf(admin->arena, "there is no key %.*s", SLICE_ARG(key_id));
		return ERR_MISSING;
	}
	return outcome == PG_SOME ? OK : admin_failed(admin, outcome, ret_error);
}
