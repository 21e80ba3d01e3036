/* SPDX-License-Identifier: Apache-2.0 */
/* The part of admin.h about legacy patterns. */
#include "store/admin.h"

#include "core/address.h"
#include "store/admin_error.h"
#include "store/pattern_secret.h"

/* NULL where all numbers are taken. */
static const char SQL_PATTERN_NUMBER[] =
	"SELECT (SELECT min(n) FROM generate_series(1, 8) AS n WHERE NOT EXISTS"
	"  (SELECT FROM legacy_pattern WHERE domain = d.name AND pattern_id = n)) AS number,"
	" account_id = 0 AS shared FROM bounce_domain d WHERE name = $1";
static const char SQL_PATTERN_ADD[] =
	"INSERT INTO legacy_pattern (domain, pattern_id, template, algorithm, covers, mac_digits,"
	" secret_box, expires_at) VALUES ($1, $2, $3, $4, $5, $6, nullif($7, ''::bytea), $8)";
static const char SQL_PATTERN_LIST[] =
	"SELECT domain, pattern_id, template, algorithm, covers, mac_digits, expires_at, created_at"
	" FROM legacy_pattern ORDER BY domain, pattern_id";
static const char SQL_PATTERN_REMOVE[] =
	"DELETE FROM legacy_pattern WHERE domain = $1 AND pattern_id = $2 RETURNING domain";

static enum err refuse(struct slice why, struct slice *ret_error)
{
	*ret_error = why;
	return ERR_REFUSE;
}

static enum err take_number(struct admin *admin, struct directory_pattern *pattern,
			    struct slice *ret_error)
{
	struct pg_params params;
	PG_RESULT result = NULL;

	pg_params_init(&params, admin->arena);
	pg_param_text(&params, pattern->domain);
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_PATTERN_NUMBER, &params, &result);
	if (outcome == PG_NONE) {
		*ret_error = arena_printf(admin->arena, "there is no bounce domain %.*s",
					  SLICE_ARG(pattern->domain));
		return ERR_MISSING;
	}
	if (outcome != PG_SOME)
		return admin_failed(admin, outcome, ret_error);
	if (pg_bool(result, 0, "shared"))
		return refuse(SLICE("a shared domain does not say whose a legacy return path is"),
			      ret_error);
	if (pg_is_null(result, 0, "number"))
		return refuse(SLICE("the domain has 8 patterns already"), ret_error);
	pattern->number = (uint8_t)pg_int(result, 0, "number");
	return OK;
}

enum err admin_pattern_add(struct admin *admin, const uint8_t master_key[SECRETBOX_KEY_LEN],
			   struct directory_pattern *pattern, struct slice *ret_error)
{
	bool is_signed = pattern->algorithm != PATTERN_UNSIGNED;
	struct pg_params params;

	pattern->domain = domain_normalise(admin->arena, pattern->domain);
	enum err err = take_number(admin, pattern, ret_error);
	if (err != OK)
		return err;
	pg_params_init(&params, admin->arena);
	pg_param_text(&params, pattern->domain);
	pg_param_int8(&params, pattern->number);
	pg_param_text(&params, pattern->template_);
	pg_param_text(&params, slice_from_cstr(pattern_algorithm_word(pattern->algorithm)));
	pg_param_text(&params, pattern->covers);
	pg_param_int8(&params, pattern->mac_digits);
	pg_param_bytea(&params, is_signed ? pattern_secret_seal(master_key, pattern, admin->arena)
					  : SLICE_NONE);
	pg_param_time(&params, pattern->expires_at);
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_PATTERN_ADD, &params, NULL);
	if (outcome == PG_HARD && pg_error_is(admin->pg, "23505"))
		return refuse(SLICE("the domain has this pattern already"), ret_error);
	return outcome == PG_NONE ? OK : admin_failed(admin, outcome, ret_error);
}

enum err admin_pattern_list(struct admin *admin, struct admin_pattern **ret_patterns,
			    size_t *ret_count, struct slice *ret_error)
{
	PG_RESULT result = NULL;
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_PATTERN_LIST, NULL, &result);

	if (outcome == PG_HARD || outcome == PG_RETRY)
		return admin_failed(admin, outcome, ret_error);
	*ret_count = (size_t)pg_rows(result);
	*ret_patterns = ARENA_ARRAY(admin->arena, struct admin_pattern, *ret_count);
	for (int row = 0; row < pg_rows(result); row++) {
		struct admin_pattern *item = &(*ret_patterns)[row];

		item->created_at = pg_time(result, row, "created_at");
		item->pattern = (struct directory_pattern){
			.domain = arena_copy(admin->arena, pg_text(result, row, "domain")),
			.number = (uint8_t)pg_int(result, row, "pattern_id"),
			.template_ = arena_copy(admin->arena, pg_text(result, row, "template")),
			.covers = arena_copy(admin->arena, pg_text(result, row, "covers")),
			.mac_digits = (uint8_t)pg_int(result, row, "mac_digits"),
			.expires_at = pg_time(result, row, "expires_at"),
		};
		/* The table allows no other words. */
		if (!pattern_algorithm_from_word(pg_text(result, row, "algorithm"),
						 &item->pattern.algorithm))
			return ERR_FATAL;
	}
	return OK;
}

enum err admin_pattern_remove(struct admin *admin, struct slice domain, uint64_t number,
			      struct slice *ret_error)
{
	struct slice name = domain_normalise(admin->arena, domain);
	struct pg_params params;

	pg_params_init(&params, admin->arena);
	pg_param_text(&params, name);
	pg_param_int8(&params, number <= UINT8_MAX ? (int64_t)number : -1);
	enum pg_outcome outcome = pg_exec(admin->pg, SQL_PATTERN_REMOVE, &params, NULL);
	if (outcome == PG_NONE) {
		*ret_error =
			arena_printf(admin->arena, "%.*s has no such pattern", SLICE_ARG(domain));
		return ERR_MISSING;
	}
	return outcome == PG_SOME ? OK : admin_failed(admin, outcome, ret_error);
}
