/* SPDX-License-Identifier: Apache-2.0 */
/* The part of admin.h about token keys. */
#include "store/admin.h"

#include <inttypes.h>
#include <string.h>

#include "store/admin_error.h"
#include "store/token_key.h"

/* NULL where the account does not exist; 0 for its first key. */
static const char SQL_TOKEN_KEY_NEXT[] =
	"SELECT coalesce(max(k.key_id) + 1, 0) AS key_id"
	" FROM account a LEFT JOIN token_key k ON k.account_id = a.account_id"
	" WHERE a.account_id = $1 GROUP BY a.account_id";
static const char SQL_TOKEN_KEY_CREATE[] =
	"INSERT INTO token_key (account_id, key_id, state, secret_box)"
	" SELECT $1, $2, CASE WHEN EXISTS (SELECT FROM token_key WHERE account_id = $1"
	"  AND state = 'current') THEN 'next' ELSE 'current' END, $3"
	" RETURNING account_id, key_id, state, created_at, retired_at";
static const char SQL_TOKEN_KEY_LIST[] = "SELECT account_id, key_id, state, created_at, retired_at"
					 " FROM token_key ORDER BY account_id, key_id";
/* A process is taken for alive that has been heard of since, at most LIMIT_DIRECTORY_REFRESH_MS and
 * an attempt or two ago. */
#define UNCONFIRMED                                                         \
	"FROM ingest_process WHERE seen_at > now() - interval '30 seconds'" \
	" AND NOT next_keys @> ARRAY[$1::text || '/' || $2::text]"
/* The old one must be retired first: there is one current key. */
static const char SQL_TOKEN_KEY_ACTIVATE[] =
	"WITH candidate AS (SELECT key_id FROM token_key"
	"  WHERE account_id = $1 AND key_id = $2 AND state = 'next'"
	"  AND ($3 OR NOT EXISTS (SELECT " UNCONFIRMED ")) FOR UPDATE),"
	" old AS (UPDATE token_key SET state = 'retired', retired_at = now()"
	"  WHERE account_id = $1 AND state = 'current' AND EXISTS (SELECT FROM candidate)"
	"  RETURNING key_id)"
	" UPDATE token_key SET state = 'current' WHERE account_id = $1"
	" AND key_id = (SELECT key_id FROM candidate) AND (SELECT count(*) FROM old) >= 0"
	" RETURNING account_id, key_id, state, created_at, retired_at";
static const char SQL_TOKEN_KEY_STATE[] =
	"SELECT state, (SELECT string_agg(host || ' (process ' || pid || ')', ', ' ORDER BY host, "
	"pid) " UNCONFIRMED ") AS unconfirmed FROM token_key WHERE account_id = $1 AND key_id = $2";
static const char SQL_TOKEN_KEY_RETIRE[] =
	"UPDATE token_key SET state = 'retired', retired_at = coalesce(retired_at, now())"
	" WHERE account_id = $1 AND key_id = $2 AND state <> 'revoked'"
	" RETURNING account_id, key_id, state, created_at, retired_at";
static const char SQL_TOKEN_KEY_REVOKE[] =
	"UPDATE token_key SET state = 'revoked', retired_at = coalesce(retired_at, now())"
	" WHERE account_id = $1 AND key_id = $2"
	" RETURNING account_id, key_id, state, created_at, retired_at";
static const char SQL_TOKEN_KEY_SECRET[] =
	"SELECT account_id, key_id, state, created_at, retired_at, secret_box"
	" FROM token_key WHERE account_id = $1 AND key_id = $2";

static enum err missing_account(struct admin *admin, uint64_t account_id, struct slice *ret_error)
{
	*ret_error = arena_printf(admin->arena, "there is no account %" PRIu64, account_id);
	return ERR_MISSING;
}

static struct admin_token_key token_key_row(const PGresult *result, int row)
{
	struct admin_token_key key = {
		.account_id = (uint64_t)pg_int(result, row, "account_id"),
		.key_id = (uint8_t)pg_int(result, row, "key_id"),
		.created_at = pg_time(result, row, "created_at"),
		.retired_at = pg_time(result, row, "retired_at"),
	};

	/* The table allows no other words. */
	if (!token_key_state_from_word(pg_text(result, row, "state"), &key.state))
		key.state = TOKEN_KEY_REVOKED;
	return key;
}

static enum err token_key_next_id(struct admin *admin, uint64_t account_id, uint8_t *ret_key_id,
				  struct slice *ret_error)
{
	struct pg_params params;
	PG_RESULT result = NULL;

	pg_params_init(&params, admin->arena);
	pg_param_int8(&params, (int64_t)account_id);
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_TOKEN_KEY_NEXT, &params, &result);
	if (outcome == PG_NONE)
		return missing_account(admin, account_id, ret_error);
	if (outcome != PG_SOME)
		return admin_failed(admin, outcome, ret_error);

	int64_t key_id = pg_int(result, 0, "key_id");
	if (key_id > UINT8_MAX) {
		*ret_error = arena_printf(admin->arena,
					  "account %" PRIu64 " has used all 256 key numbers",
					  account_id);
		return ERR_REFUSE;
	}
	*ret_key_id = (uint8_t)key_id;
	return OK;
}

enum err admin_token_key_create(struct admin *admin, uint64_t account_id,
				const uint8_t master_key[SECRETBOX_KEY_LEN],
				struct admin_token_key *ret_key, struct slice *ret_error)
{
	struct token_key_place place = { .account_id = account_id };
	uint8_t secret[TOKEN_KEY_LEN];
	struct pg_params params;
	PG_RESULT result = NULL;
	enum err err = token_key_next_id(admin, account_id, &place.key_id, ret_error);

	if (err != OK)
		return err;
	random_bytes(secret, sizeof(secret));
	struct slice box = token_key_seal(master_key, place, secret, admin->arena);
	explicit_bzero(secret, sizeof(secret));

	pg_params_init(&params, admin->arena);
	pg_param_int8(&params, (int64_t)account_id);
	pg_param_int8(&params, place.key_id);
	pg_param_bytea(&params, box);
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_TOKEN_KEY_CREATE, &params, &result);
	if (outcome == PG_HARD && pg_error_is(admin->pg, "23505")) {
		*ret_error = SLICE("another key was created at the same time");
		return ERR_RETRY;
	}
	if (outcome != PG_SOME)
		return admin_failed(admin, outcome, ret_error);
	*ret_key = token_key_row(result, 0);
	return OK;
}

enum err admin_token_key_list(struct admin *admin, struct admin_token_key **ret_keys,
			      size_t *ret_count, struct slice *ret_error)
{
	PG_RESULT result = NULL;
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_TOKEN_KEY_LIST, NULL, &result);

	if (outcome == PG_HARD || outcome == PG_RETRY)
		return admin_failed(admin, outcome, ret_error);
	*ret_count = (size_t)pg_rows(result);
	*ret_keys = ARENA_ARRAY(admin->arena, struct admin_token_key, *ret_count);
	for (int row = 0; row < pg_rows(result); row++)
		(*ret_keys)[row] = token_key_row(result, row);
	return OK;
}

/* -- one key's life -- */

static enum err missing_key(struct admin *admin, struct token_key_place place,
			    struct slice *ret_error)
{
	*ret_error = arena_printf(admin->arena, "account %" PRIu64 " has no key %u",
				  place.account_id, place.key_id);
	return ERR_MISSING;
}

static void params_place(struct admin *admin, struct token_key_place place,
			 struct pg_params *ret_params)
{
	pg_params_init(ret_params, admin->arena);
	pg_param_int8(ret_params, (int64_t)place.account_id);
	pg_param_int8(ret_params, place.key_id);
}

/* Why a key could not change its state. */
static enum err explain(struct admin *admin, struct token_key_place place, const char *verb,
			struct slice *ret_error)
{
	struct pg_params params;
	PG_RESULT result = NULL;

	params_place(admin, place, &params);
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_TOKEN_KEY_STATE, &params, &result);
	if (outcome == PG_NONE)
		return missing_key(admin, place, ret_error);
	if (outcome != PG_SOME)
		return admin_failed(admin, outcome, ret_error);

	struct slice state = pg_text(result, 0, "state");
	struct slice unconfirmed = pg_text(result, 0, "unconfirmed");
	if (!slice_equal(state, SLICE("next")))
		*ret_error = arena_printf(admin->arena, "key %u is %.*s and cannot be %s",
					  place.key_id, SLICE_ARG(state), verb);
	else
		*ret_error = arena_printf(admin->arena,
					  "key %u is not known yet to %.*s: try again in some "
					  "seconds",
					  place.key_id, SLICE_ARG(unconfirmed));
	return ERR_REFUSE;
}

enum err admin_token_key_activate(struct admin *admin, struct token_key_place place, bool force,
				  struct admin_token_key *ret_key, struct slice *ret_error)
{
	struct pg_params params;
	PG_RESULT result = NULL;

	params_place(admin, place, &params);
	pg_param_bool(&params, force);
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_TOKEN_KEY_ACTIVATE, &params, &result);
	if (outcome == PG_NONE)
		return explain(admin, place, "activated", ret_error);
	if (outcome != PG_SOME)
		return admin_failed(admin, outcome, ret_error);
	*ret_key = token_key_row(result, 0);
	return OK;
}

enum err admin_token_key_retire(struct admin *admin, struct token_key_place place,
				struct admin_token_key *ret_key, struct slice *ret_error)
{
	struct pg_params params;
	PG_RESULT result = NULL;

	params_place(admin, place, &params);
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_TOKEN_KEY_RETIRE, &params, &result);
	if (outcome == PG_NONE)
		return explain(admin, place, "retired", ret_error);
	if (outcome != PG_SOME)
		return admin_failed(admin, outcome, ret_error);
	*ret_key = token_key_row(result, 0);
	return OK;
}

enum err admin_token_key_revoke(struct admin *admin, struct token_key_place place,
				struct admin_token_key *ret_key, struct slice *ret_error)
{
	struct pg_params params;
	PG_RESULT result = NULL;

	params_place(admin, place, &params);
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_TOKEN_KEY_REVOKE, &params, &result);
	if (outcome == PG_NONE)
		return missing_key(admin, place, ret_error);
	if (outcome != PG_SOME)
		return admin_failed(admin, outcome, ret_error);
	*ret_key = token_key_row(result, 0);
	return OK;
}

enum err admin_token_key_export(struct admin *admin, struct token_key_place place,
				const uint8_t master_key[SECRETBOX_KEY_LEN],
				struct admin_token_key *ret_key, uint8_t ret_secret[TOKEN_KEY_LEN],
				struct slice *ret_error)
{
	struct pg_params params;
	PG_RESULT result = NULL;

	params_place(admin, place, &params);
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_TOKEN_KEY_SECRET, &params, &result);
	if (outcome == PG_NONE)
		return missing_key(admin, place, ret_error);
	if (outcome != PG_SOME)
		return admin_failed(admin, outcome, ret_error);
	*ret_key = token_key_row(result, 0);
	if (ret_key->state == TOKEN_KEY_REVOKED) {
		*ret_error = arena_printf(admin->arena, "key %u is revoked", place.key_id);
		return ERR_REFUSE;
	}
	if (token_key_open(master_key, place, pg_bytes(result, 0, "secret_box"), ret_secret) !=
	    OK) {
		*ret_error = SLICE("the key is sealed with another master key");
		return ERR_REFUSE;
	}
	return OK;
}
