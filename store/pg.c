/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "store/pg_connect.h"

/* Statements that one connection keeps prepared; the program has a few dozen. */
#define PREPARED_MAX 128

#define ERROR_MAX          1024
#define STATEMENT_NAME_MAX 24

struct pg {
	char *dsn;
	unsigned statement_timeout_ms;
	PGconn *conn; /* NULL while not connected */
	bool in_transaction;
	const char *prepared[PREPARED_MAX]; /* by address; the index makes the name */
	size_t prepared_count;
	char error[ERROR_MAX];
	char sqlstate[6];
};

static const struct pg_params NO_PARAMS = { 0 };

struct pg *pg_new(const char *dsn, unsigned statement_timeout_ms)
{
	struct pg *pg = calloc(1, sizeof(*pg));

	if (!pg || !(pg->dsn = strdup(dsn)))
		abort();
	pg->statement_timeout_ms = statement_timeout_ms;
	return pg;
}

static void pg_disconnect(struct pg *pg)
{
	PQfinish(pg->conn);
	pg->conn = NULL;
	pg->prepared_count = 0;
}

void pg_free(struct pg *pg)
{
	if (!pg)
		return;
	pg_disconnect(pg);
	free(pg->dsn);
	free(pg);
}

const char *pg_error(const struct pg *pg)
{
	return pg->error;
}

const char *pg_sqlstate(const struct pg *pg)
{
	return pg->sqlstate;
}

bool pg_error_is(const struct pg *pg, const char *sqlstate)
{
	return strncmp(pg->sqlstate, sqlstate, strlen(sqlstate)) == 0;
}

enum err pg_err(enum pg_outcome outcome)
{
	switch (outcome) {
	case PG_HARD:
		return ERR_FATAL;
	case PG_RETRY:
		return ERR_RETRY;
	case PG_NONE:
	case PG_SOME:
		return OK;
	}
	abort();
}

/* Keeps the error, on one line, and gives a lost connection up. result: NULL where there was none.
 */
static enum pg_outcome pg_failed(struct pg *pg, const PGresult *result)
{
	const char *text = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;

	snprintf(pg->sqlstate, sizeof(pg->sqlstate), "%s", pg_result_sqlstate(result));
	snprintf(pg->error, sizeof(pg->error), "%s", text ? text : PQerrorMessage(pg->conn));
	pg->error[strcspn(pg->error, "\n")] = '\0';

	bool stale_plan = pg_error_is(pg, "0A000") || pg_error_is(pg, "26000");
	if (PQstatus(pg->conn) != CONNECTION_OK || stale_plan || pg_error_is(pg, "25006"))
		pg_disconnect(pg);
	return pg_failure(pg->sqlstate);
}

/* Takes a result over: to the caller where it is a success and wanted, else cleared. */
static enum pg_outcome pg_settle(struct pg *pg, PGresult *result, PGresult **ret_result)
{
	ExecStatusType status = PQresultStatus(result);
	enum pg_outcome outcome = PG_NONE;

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		outcome = pg_failed(pg, result);
	else if (PQntuples(result) > 0)
		outcome = PG_SOME;

	if (ret_result && (outcome == PG_NONE || outcome == PG_SOME))
		*ret_result = result;
	else
		PQclear(result);
	return outcome;
}

enum pg_outcome pg_exec_script(struct pg *pg, const char *sql)
{
	enum pg_outcome outcome = pg_connect(pg);

	if (outcome != PG_NONE)
		return outcome;
	return pg_settle(pg, PQexec(pg->conn, sql), NULL);
}

/* Between statements the server says nothing, except that it is going: a connection that became
 * readable while it was idle is looked at before a statement is lost on it. */
static bool pg_went_away(struct pg *pg)
{
	struct pollfd pollfd = { .fd = PQsocket(pg->conn), .events = POLLIN };

	if (poll(&pollfd, 1, 0) <= 0)
		return false;
	return PQconsumeInput(pg->conn) != 1 || PQstatus(pg->conn) != CONNECTION_OK ||
	       (pollfd.revents & (POLLHUP | POLLERR)) != 0;
}

enum pg_outcome pg_connect(struct pg *pg)
{
	if (pg->conn && pg_went_away(pg))
		pg_disconnect(pg);
	if (pg->conn)
		return PG_NONE;
	/* What follows belongs to what was lost. */
	if (pg->in_transaction) {
		snprintf(pg->error, sizeof(pg->error), "connection lost in a transaction");
		pg->sqlstate[0] = '\0';
		return PG_RETRY;
	}

	pg->conn = pg_connect_blocking(pg->dsn);
	if (PQstatus(pg->conn) != CONNECTION_OK) {
		pg_failed(pg, NULL);
		return PG_RETRY;
	}
	if (pg->statement_timeout_ms == 0)
		return PG_NONE;

	char sql[64];
	snprintf(sql, sizeof(sql), "SET statement_timeout = %u", pg->statement_timeout_ms);
	return pg_settle(pg, PQexec(pg->conn, sql), NULL);
}

/* -- prepared statements -- */

static void statement_name(size_t index, char ret_name[STATEMENT_NAME_MAX])
{
	snprintf(ret_name, STATEMENT_NAME_MAX, "s%zu", index);
}

/* Once per connection. PG_NONE: ret_name is the statement's name. */
static enum pg_outcome pg_prepare(struct pg *pg, const char *sql, const struct pg_params *params,
				  char ret_name[STATEMENT_NAME_MAX])
{
	for (size_t i = 0; i < pg->prepared_count; i++) {
		if (pg->prepared[i] == sql) {
			statement_name(i, ret_name);
			return PG_NONE;
		}
	}

	assert(pg->prepared_count < PREPARED_MAX);
	statement_name(pg->prepared_count, ret_name);
	PGresult *result = PQprepare(pg->conn, ret_name, sql, params->count, params->types);
	enum pg_outcome outcome = pg_settle(pg, result, NULL);
	if (outcome == PG_NONE)
		pg->prepared[pg->prepared_count++] = sql;
	return outcome;
}

/* Connected, and prepared unless it is to run once. */
static enum pg_outcome pg_ready(struct pg *pg, const char *sql, const struct pg_params *params,
				char ret_name[STATEMENT_NAME_MAX])
{
	enum pg_outcome outcome = pg_connect(pg);

	if (outcome == PG_NONE && !params->once)
		outcome = pg_prepare(pg, sql, params, ret_name);
	return outcome;
}

enum pg_outcome pg_exec(struct pg *pg, const char *sql, const struct pg_params *params,
			PGresult **ret_result)
{
	char name[STATEMENT_NAME_MAX];
	PGresult *result;

	if (!params)
		params = &NO_PARAMS;
	enum pg_outcome outcome = pg_ready(pg, sql, params, name);
	if (outcome != PG_NONE)
		return outcome;
	if (params->once)
		result = PQexecParams(pg->conn, sql, params->count, params->types, params->values,
				      params->lengths, PG_BINARY, 1);
	else
		result = PQexecPrepared(pg->conn, name, params->count, params->values,
					params->lengths, PG_BINARY, 1);
	return pg_settle(pg, result, ret_result);
}

/* -- a transaction of several statements -- */

enum pg_outcome pg_begin(struct pg *pg)
{
	enum pg_outcome outcome = pg_exec_script(pg, "BEGIN");

	pg->in_transaction = outcome == PG_NONE;
	return outcome;
}

enum pg_outcome pg_end(struct pg *pg, enum pg_outcome outcome)
{
	enum pg_outcome ended = outcome;

	if (!pg->in_transaction)
		return outcome;
	if (pg_err(outcome) == OK)
		ended = pg_exec_script(pg, "COMMIT");
	else if (pg->conn)
		PQclear(PQexec(pg->conn, "ROLLBACK"));
	pg->in_transaction = false;
	return pg_err(ended) == OK ? outcome : ended;
}

/* -- one transaction of an account, in one round trip -- */

/* The next command's result with its end consumed; NULL when the connection broke. */
static PGresult *pipeline_result(PGconn *conn)
{
	PGresult *result = PQgetResult(conn);

	if (result && PQresultStatus(result) != PGRES_PIPELINE_SYNC)
		PQclear(PQgetResult(conn));
	return result;
}

/* BEGIN, set_config, the statement, Sync; COMMIT, Sync: the first Sync makes COMMIT answer even
 * where the statement failed, and leaves the connection clean. */
static bool pipeline_send(struct pg *pg, const char *account, const char *sql, const char *name,
			  const struct pg_params *params)
{
	PGconn *conn = pg->conn;
	const char *values[] = { account };

	if (!PQenterPipelineMode(conn) ||
	    !PQsendQueryParams(conn, "BEGIN", 0, NULL, NULL, NULL, NULL, 1) ||
	    !PQsendQueryParams(conn, "SELECT set_config('app.account', $1, true)", 1, NULL, values,
			       NULL, NULL, 1))
		return false;

	int sent = params->once ? PQsendQueryParams(conn, sql, params->count, params->types,
						    params->values, params->lengths, PG_BINARY, 1)
				: PQsendQueryPrepared(conn, name, params->count, params->values,
						      params->lengths, PG_BINARY, 1);
	return sent && PQpipelineSync(conn) &&
	       PQsendQueryParams(conn, "COMMIT", 0, NULL, NULL, NULL, NULL, 1) &&
	       PQpipelineSync(conn);
}

/* The six answers: returns the statement's, or the first failure; *ret_committed says whether
 * COMMIT was answered with COMMIT. */
static PGresult *pipeline_receive(struct pg *pg, bool *ret_committed)
{
	enum { STEP_BEGIN, STEP_ACCOUNT, STEP_STATEMENT, STEP_SYNC, STEP_COMMIT, STEP_END };
	PGresult *kept = NULL;
	bool failure_kept = false;

	*ret_committed = false;
	for (int step = STEP_BEGIN; step <= STEP_END; step++) {
		PGresult *result = pipeline_result(pg->conn);
		ExecStatusType status = PQresultStatus(result);
		bool failed = !result || status == PGRES_FATAL_ERROR;

		if (step == STEP_COMMIT)
			*ret_committed = status == PGRES_COMMAND_OK &&
					 strcmp(PQcmdStatus(result), "COMMIT") == 0;
		if (step == STEP_STATEMENT || failed) {
			PGresult *loser = failure_kept ? result : kept;

			kept = failure_kept ? kept : result;
			failure_kept = failure_kept || failed;
			PQclear(loser);
		} else {
			PQclear(result);
		}
		if (!result || PQstatus(pg->conn) != CONNECTION_OK)
			break;
	}
	return kept;
}

enum pg_outcome pg_exec_account(struct pg *pg, uint64_t account_id, const char *sql,
				const struct pg_params *params, PGresult **ret_result)
{
	char name[STATEMENT_NAME_MAX];
	char account[24];
	bool committed;

	if (!params)
		params = &NO_PARAMS;
	enum pg_outcome outcome = pg_ready(pg, sql, params, name);
	if (outcome != PG_NONE)
		return outcome;

	snprintf(account, sizeof(account), "%llu", (unsigned long long)account_id);
	if (!pipeline_send(pg, account, sql, name, params)) {
		pg_failed(pg, NULL);
		pg_disconnect(pg);
		return PG_RETRY;
	}

	PGresult *result = pipeline_receive(pg, &committed);
	bool clean = PQstatus(pg->conn) == CONNECTION_OK && PQexitPipelineMode(pg->conn);
	if (committed) {
		outcome = pg_settle(pg, result, ret_result);
	} else {
		outcome = pg_failed(pg, result);
		PQclear(result);
	}
	/* Answers that are still to come must not be taken for those of the next statement. */
	if (!clean)
		pg_disconnect(pg);
	return outcome;
}
