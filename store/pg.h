/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blocking PostgreSQL connection, its parameters and its results; for everything but the commit
 * path, which is non-blocking (store/link.h).
 *
 * Parameters and results are binary only: text parameters end at the first NUL. Every text is
 * repaired to UTF-8 without NUL here, at the border. Statements are prepared once per connection.
 * One thread at a time per connection.
 *
 *	struct pg_params params;
 *	pg_params_init(&params, arena);
 *	pg_param_text(&params, address_key);
 *	PG_RESULT result = NULL;
 *	switch (pg_exec_account(pg, account_id, SQL_SUPPRESSION_FIND, &params, &result)) { …
 */
#ifndef BOUNCED_STORE_PG_H
#define BOUNCED_STORE_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/slice.h"
#include "core/uuid.h"

/* -- connection -- */

struct pg;

/* How a statement ended: what the caller does next. */
enum pg_outcome {
	PG_HARD,  /* refused, and would be again: pg_sqlstate(), pg_error() */
	PG_RETRY, /* connection lost, deadlock, serialisation: the same call may succeed. A write
		   * whose connection was lost may have happened. */
	PG_NONE,  /* done, no row */
	PG_SOME,  /* done, at least one row */
};

/*
 * Connects at the first statement, and again after a loss. dsn: a libpq connection string, copied.
 * statement_timeout_ms: the server ends what takes longer (SQLSTATE 57014); 0: never.
 */
struct pg *pg_new(const char *dsn, unsigned statement_timeout_ms);
/* NULL is fine. */
void pg_free(struct pg *pg);

/* Connects if it is not connected: PG_NONE, or PG_RETRY. */
enum pg_outcome pg_connect(struct pg *pg) MUST_CHECK;
/* What went wrong last, one line, for the log or a person; never for an HTTP answer. */
const char *pg_error(const struct pg *pg);
/* The five characters, empty where the error had none (no connection). */
const char *pg_sqlstate(const struct pg *pg);
/* The last error has this SQLSTATE, or begins with it: "23505", "23". */
bool pg_error_is(const struct pg *pg, const char *sqlstate);
/* The usual meaning: PG_HARD is ERR_FATAL, PG_RETRY ERR_RETRY, else OK. */
enum err pg_err(enum pg_outcome outcome);

/* -- parameters -- */

/* The widest statement (event) has 29. */
#define PG_PARAMS_MAX 40

/* $1, $2, … in the order of the calls below. Values live in the arena. */
struct pg_params {
	struct arena *arena; /* borrowed */
	bool once; /* plan anew, do not prepare; the text of the statement may be temporary */
	int count;
	Oid types[PG_PARAMS_MAX];
	const char *values[PG_PARAMS_MAX];
	int lengths[PG_PARAMS_MAX];
};

void pg_params_init(struct pg_params *params, struct arena *arena);

void pg_param_int8(struct pg_params *params, int64_t value);
void pg_param_bool(struct pg_params *params, bool value);
void pg_param_text(struct pg_params *params, struct slice value);
/* NULL where the slice is empty */
void pg_param_text_optional(struct pg_params *params, struct slice value);
void pg_param_bytea(struct pg_params *params, struct slice value);
void pg_param_uuid(struct pg_params *params, const struct uuid *value);
/* Unix ms; NULL for TIME_NONE and outside the years 1..9999. */
void pg_param_time(struct pg_params *params, int64_t unix_ms);

/* Arrays; the elements are copied. */
void pg_param_int8_array(struct pg_params *params, const int64_t *values, size_t count);
void pg_param_bool_array(struct pg_params *params, const bool *values, size_t count);
void pg_param_text_array(struct pg_params *params, const struct slice *values, size_t count);
void pg_param_bytea_array(struct pg_params *params, const struct slice *values, size_t count);
void pg_param_uuid_array(struct pg_params *params, const struct uuid *values, size_t count);
void pg_param_time_array(struct pg_params *params, const int64_t *unix_ms, size_t count);

/* -- statements -- */

/* PG_RESULT result = NULL; — cleared at the end of its scope. */
#define PG_RESULT __attribute__((cleanup(pg_result_cleanup))) PGresult *
void pg_result_cleanup(PGresult **result);

/*
 * Runs one statement by itself. sql: of static storage (it is prepared once, and known by its
 * address), unless params->once. params may be NULL for none. *ret_result is set with PG_SOME and
 * PG_NONE only; the caller clears it; ret_result may be NULL.
 */
enum pg_outcome pg_exec(struct pg *pg, const char *sql, const struct pg_params *params,
			PGresult **ret_result) MUST_CHECK;
/*
 * The same as one transaction of an account, in one round trip: row-level security sees
 * app.account. Done means committed.
 */
enum pg_outcome pg_exec_account(struct pg *pg, uint64_t account_id, const char *sql,
				const struct pg_params *params, PGresult **ret_result) MUST_CHECK;
/* Several statements in one text, without parameters or rows: PG_NONE when all went well. */
enum pg_outcome pg_exec_script(struct pg *pg, const char *sql) MUST_CHECK;

/*
 * Several statements as one transaction: pg_begin(), pg_exec()…, and in any case pg_end(), with the
 * outcome of the last statement that was tried. Once one has failed, no more may be tried.
 */
enum pg_outcome pg_begin(struct pg *pg) MUST_CHECK;
/* Commits where that outcome is a success, else rolls back and passes it on. Only PG_NONE and
 * PG_SOME mean committed. */
enum pg_outcome pg_end(struct pg *pg, enum pg_outcome outcome) MUST_CHECK;

/* -- results: rows from 0, columns by name (an unknown one is a programmer's mistake) -- */

int pg_rows(const PGresult *result);
/* Rows that INSERT, UPDATE or DELETE touched. */
int64_t pg_affected(PGresult *result);
bool pg_is_null(const PGresult *result, int row, const char *column);
/* smallint, integer or bigint; 0 for NULL */
int64_t pg_int(const PGresult *result, int row, const char *column);
/* false for NULL */
bool pg_bool(const PGresult *result, int row, const char *column);
/* text, json or jsonb, borrowed from the result; empty for NULL */
struct slice pg_text(const PGresult *result, int row, const char *column);
struct slice pg_bytes(const PGresult *result, int row, const char *column);
/* all zero for NULL */
struct uuid pg_uuid(const PGresult *result, int row, const char *column);
/* timestamptz as Unix ms; TIME_NONE for NULL */
int64_t pg_time(const PGresult *result, int row, const char *column);
/* text[] as slices in the arena; *ret_count of them */
const struct slice *pg_text_array(const PGresult *result, int row, const char *column,
				  struct arena *arena, size_t *ret_count);

#endif
