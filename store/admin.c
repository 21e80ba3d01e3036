/* SPDX-License-Identifier: Apache-2.0 */
#include "store/admin.h"

#include <inttypes.h>

#include "core/address.h"
#include "store/admin_error.h"

#define ACCOUNT_COLUMNS \
	"account_id, name, mode = 'observe' AS observe, accept_unverified, created_at"

static const char SQL_ACCOUNT_CREATE[] =
	"INSERT INTO account (name, mode) VALUES ($1, $2) RETURNING account_id";
static const char SQL_ACCOUNT_LIST[] =
	"SELECT " ACCOUNT_COLUMNS " FROM account ORDER BY account_id";
static const char SQL_ACCOUNT_FIND[] =
	"SELECT " ACCOUNT_COLUMNS " FROM account WHERE name = $1 OR account_id = $2"
	" ORDER BY name = $1 DESC LIMIT 1";
static const char SQL_ACCOUNT_SAVE[] =
	"UPDATE account SET mode = $2, accept_unverified = $3 WHERE account_id = $1"
	" RETURNING account_id";
static const char SQL_DOMAIN_ADD[] =
	"INSERT INTO bounce_domain AS d (name, account_id, reject_invalid)"
	" SELECT $1, account_id, $3 FROM account WHERE account_id = $2"
	" ON CONFLICT (name) DO UPDATE SET reject_invalid = excluded.reject_invalid"
	" WHERE d.account_id = excluded.account_id"
	" RETURNING name";
static const char SQL_DOMAIN_OWNER[] = "SELECT account_id FROM bounce_domain WHERE name = $1";
#define DOMAIN_COLUMNS "name, account_id, reject_invalid = '550' AS reject, created_at"
static const char SQL_DOMAIN_LIST[] = "SELECT " DOMAIN_COLUMNS " FROM bounce_domain ORDER BY name";
static const char SQL_DOMAIN_FIND[] =
	"SELECT " DOMAIN_COLUMNS " FROM bounce_domain WHERE name = $1";

enum err admin_failed(struct admin *admin, enum pg_outcome outcome, struct slice *ret_error)
{
	*ret_error = arena_copy(admin->arena, slice_from_cstr(pg_error(admin->pg)));
	return pg_err(outcome);
}

static enum err refuse(struct slice why, struct slice *ret_error)
{
	*ret_error = why;
	return ERR_REFUSE;
}

enum err admin_account_create(struct admin *admin, struct slice name, enum account_mode mode,
			      uint64_t *ret_id, struct slice *ret_error)
{
	struct pg_params params;
	PG_RESULT result = NULL;

	if (slice_empty(slice_trim(name)))
		return refuse(SLICE("an account needs a name"), ret_error);
	pg_params_init(&params, admin->arena);
	pg_param_text(&params, name);
	pg_param_text(&params, mode == ACCOUNT_OBSERVE ? SLICE("observe") : SLICE("enforce"));
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_ACCOUNT_CREATE, &params, &result);
	if (outcome == PG_HARD && pg_error_is(admin->pg, "23505"))
		return refuse(arena_printf(admin->arena, "there is an account %.*s already",
					   SLICE_ARG(name)),
			      ret_error);
	if (outcome != PG_SOME)
		return admin_failed(admin, outcome, ret_error);
	*ret_id = (uint64_t)pg_int(result, 0, "account_id");
	return OK;
}

static struct admin_account account_row(struct admin *admin, const PGresult *result, int row)
{
	return (struct admin_account){
		.id = (uint64_t)pg_int(result, row, "account_id"),
		.name = arena_copy(admin->arena, pg_text(result, row, "name")),
		.mode = pg_bool(result, row, "observe") ? ACCOUNT_OBSERVE : ACCOUNT_ENFORCE,
		.accept_unverified = pg_bool(result, row, "accept_unverified"),
		.created_at = pg_time(result, row, "created_at"),
	};
}

enum err admin_account_list(struct admin *admin, struct admin_account **ret_accounts,
			    size_t *ret_count, struct slice *ret_error)
{
	PG_RESULT result = NULL;
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_ACCOUNT_LIST, NULL, &result);

	if (outcome == PG_HARD || outcome == PG_RETRY)
		return admin_failed(admin, outcome, ret_error);
	*ret_count = (size_t)pg_rows(result);
	*ret_accounts = ARENA_ARRAY(admin->arena, struct admin_account, *ret_count);
	for (int row = 0; row < pg_rows(result); row++)
		(*ret_accounts)[row] = account_row(admin, result, row);
	return OK;
}

enum err admin_account_find(struct admin *admin, struct slice name_or_id,
			    struct admin_account *ret_account, struct slice *ret_error)
{
	struct pg_params params;
	PG_RESULT result = NULL;
	uint64_t id;

	pg_params_init(&params, admin->arena);
	pg_param_text(&params, name_or_id);
	pg_param_int8(&params, slice_to_u64(name_or_id, &id) && id <= INT64_MAX ? (int64_t)id : -1);
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_ACCOUNT_FIND, &params, &result);
	if (outcome == PG_NONE) {
		*ret_error = arena_printf(admin->arena, "there is no account %.*s",
					  SLICE_ARG(name_or_id));
		return ERR_MISSING;
	}
	if (outcome != PG_SOME)
		return admin_failed(admin, outcome, ret_error);
	*ret_account = account_row(admin, result, 0);
	return OK;
}

enum err admin_account_save(struct admin *admin, const struct admin_account *account,
			    struct slice *ret_error)
{
	bool observe = account->mode == ACCOUNT_OBSERVE;
	struct pg_params params;

	pg_params_init(&params, admin->arena);
	pg_param_int8(&params, (int64_t)account->id);
	pg_param_text(&params, observe ? SLICE("observe") : SLICE("enforce"));
	pg_param_bool(&params, account->accept_unverified);
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_ACCOUNT_SAVE, &params, NULL);
	if (outcome == PG_NONE) {
		*ret_error =
			arena_printf(admin->arena, "there is no account %" PRIu64, account->id);
		return ERR_MISSING;
	}
	return outcome == PG_SOME ? OK : admin_failed(admin, outcome, ret_error);
}

/* The insert wrote nothing: the account is missing, or the domain is another's. */
static enum err domain_refused(struct admin *admin, struct slice domain, uint64_t account_id,
			       struct slice *ret_error)
{
	struct pg_params params;
	PG_RESULT result = NULL;

	pg_params_init(&params, admin->arena);
	pg_param_text(&params, domain);
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_DOMAIN_OWNER, &params, &result);
	if (outcome == PG_SOME)
		return refuse(arena_printf(admin->arena, "%.*s belongs to account %" PRId64,
					   SLICE_ARG(domain), pg_int(result, 0, "account_id")),
			      ret_error);
	if (outcome != PG_NONE)
		return admin_failed(admin, outcome, ret_error);
	*ret_error = arena_printf(admin->arena, "there is no account %" PRIu64, account_id);
	return ERR_MISSING;
}

enum err admin_domain_add(struct admin *admin, struct slice name, uint64_t account_id,
			  enum reject_invalid reject_invalid, struct slice *ret_error)
{
	struct slice domain = domain_normalise(admin->arena, name);
	bool reject = reject_invalid == REJECT_INVALID_550;
	struct pg_params params;

	if (slice_empty(domain))
		return refuse(arena_printf(admin->arena, "%.*s is no domain name", SLICE_ARG(name)),
			      ret_error);
	pg_params_init(&params, admin->arena);
	pg_param_text(&params, domain);
	pg_param_int8(&params, (int64_t)account_id);
	pg_param_text(&params, reject ? SLICE("550") : SLICE("accept"));
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_DOMAIN_ADD, &params, NULL);
	if (outcome == PG_NONE)
		return domain_refused(admin, domain, account_id, ret_error);
	return outcome == PG_SOME ? OK : admin_failed(admin, outcome, ret_error);
}

static struct admin_domain domain_row(struct admin *admin, const PGresult *result, int row)
{
	return (struct admin_domain){
		.name = arena_copy(admin->arena, pg_text(result, row, "name")),
		.account_id = (uint64_t)pg_int(result, row, "account_id"),
		.reject_invalid =
			pg_bool(result, row, "reject") ? REJECT_INVALID_550 : REJECT_INVALID_ACCEPT,
		.created_at = pg_time(result, row, "created_at"),
	};
}

enum err admin_domain_find(struct admin *admin, struct slice name, struct admin_domain *ret_domain,
			   struct slice *ret_error)
{
	struct pg_params params;
	PG_RESULT result = NULL;

	pg_params_init(&params, admin->arena);
	pg_param_text(&params, domain_normalise(admin->arena, name));
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_DOMAIN_FIND, &params, &result);
	if (outcome == PG_NONE) {
		*ret_error = arena_printf(admin->arena, "there is no bounce domain %.*s",
					  SLICE_ARG(name));
		return ERR_MISSING;
	}
	if (outcome != PG_SOME)
		return admin_failed(admin, outcome, ret_error);
	*ret_domain = domain_row(admin, result, 0);
	return OK;
}

enum err admin_domain_list(struct admin *admin, struct admin_domain **ret_domains,
			   size_t *ret_count, struct slice *ret_error)
{
	PG_RESULT result = NULL;
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_DOMAIN_LIST, NULL, &result);

	if (outcome == PG_HARD || outcome == PG_RETRY)
		return admin_failed(admin, outcome, ret_error);
	*ret_count = (size_t)pg_rows(result);
	*ret_domains = ARENA_ARRAY(admin->arena, struct admin_domain, *ret_count);
	for (int row = 0; row < pg_rows(result); row++)
		(*ret_domains)[row] = domain_row(admin, result, row);
	return OK;
}
