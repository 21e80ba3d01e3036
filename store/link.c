/* SPDX-License-Identifier: Apache-2.0 */
#include "store/link.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "store/pg_connect.h"

void link_init(struct pg_link *link, const char *dsn)
{
	*link = (struct pg_link){ .dsn = strdup(dsn), .backoff_ms = LIMIT_RECONNECT_MIN_MS };
	if (!link->dsn)
		abort();
}

void link_done(struct pg_link *link)
{
	PQfinish(link->conn);
	free(link->dsn);
	*link = (struct pg_link){ 0 };
}

int link_fd(const struct pg_link *link)
{
	return link->conn ? PQsocket(link->conn) : -1;
}

bool link_wants_write(const struct pg_link *link)
{
	return link->state == LINK_CONNECTING ? link->poll_write : link->unsent;
}

int64_t link_deadline(const struct pg_link *link)
{
	return link->state == LINK_OPEN ? INT64_MAX : link->deadline;
}

/* Kept on one line, since libpq's texts have several. */
static void error_keep(struct pg_link *link)
{
	const char *text = PQerrorMessage(link->conn);

	snprintf(link->error, sizeof(link->error), "%.*s", (int)strcspn(text, "\n"), text);
}

const char *link_error(struct pg_link *link)
{
	if (link->conn)
		error_keep(link);
	return link->error;
}

void link_fail(struct pg_link *link, int64_t now_ms)
{
	error_keep(link);
	PQfinish(link->conn);
	link->conn = NULL;
	link->state = LINK_DOWN;
	link->unsent = false;
	link->refused = false;
	link->unanswered = 0;
	link->deadline = now_ms + link->backoff_ms;
	link->backoff_ms *= 2;
	if (link->backoff_ms > LIMIT_RECONNECT_MAX_MS)
		link->backoff_ms = LIMIT_RECONNECT_MAX_MS;
}

void link_settle(struct pg_link *link)
{
	link->backoff_ms = LIMIT_RECONNECT_MIN_MS;
}

/* PQconnectPoll() must not be called before the socket is ready: it would take a pending connect
 * for a finished one. */
static bool socket_ready(const struct pg_link *link)
{
	struct pollfd poll_fd = {
		.fd = PQsocket(link->conn),
		.events = link->poll_write ? POLLOUT : POLLIN,
	};

	return poll(&poll_fd, 1, 0) > 0;
}

static enum link_event link_failed(struct pg_link *link, int64_t now_ms)
{
	link_fail(link, now_ms);
	return LINK_FAILED;
}

static enum link_event link_connect_step(struct pg_link *link, int64_t now_ms)
{
	if (PQstatus(link->conn) == CONNECTION_BAD || now_ms >= link->deadline)
		return link_failed(link, now_ms);
	if (!socket_ready(link))
		return LINK_NOTHING;

	switch (PQconnectPoll(link->conn)) {
	case PGRES_POLLING_OK:
		break;
	case PGRES_POLLING_READING:
		link->poll_write = false;
		return LINK_NOTHING;
	case PGRES_POLLING_WRITING:
		link->poll_write = true;
		return LINK_NOTHING;
	case PGRES_POLLING_FAILED:
	case PGRES_POLLING_ACTIVE:
	default:
		return link_failed(link, now_ms);
	}
	if (PQsetnonblocking(link->conn, 1) != 0 || !PQenterPipelineMode(link->conn))
		return link_failed(link, now_ms);
	link->state = LINK_OPEN;
	return LINK_OPENED;
}

static void link_flush(struct pg_link *link)
{
	/* A failure shows when the answers are read. */
	link->unsent = PQflush(link->conn) == 1;
}

enum link_event link_step(struct pg_link *link, int64_t now_ms)
{
	switch (link->state) {
	case LINK_DOWN:
		if (now_ms < link->deadline)
			return LINK_NOTHING;
		link->conn = pg_connect_start(link->dsn);
		link->state = LINK_CONNECTING;
		link->poll_write = true;
		link->deadline = now_ms + LIMIT_CONNECT_MS;
		return link_connect_step(link, now_ms);
	case LINK_CONNECTING:
		return link_connect_step(link, now_ms);
	case LINK_OPEN:
		link_flush(link);
		break;
	}
	return LINK_NOTHING;
}

/* -- commands -- */

static const struct pg_params NO_PARAMS = { 0 };

/* Nothing may be sent after what was refused: without a statement in the middle COMMIT would commit
 * the others. */
static void link_sent(struct pg_link *link, int success)
{
	if (!success)
		link->refused = true;
	link->unanswered++;
}

void link_send(struct pg_link *link, const char *sql, const struct pg_params *params)
{
	if (!params)
		params = &NO_PARAMS;
	link_sent(link, !link->refused &&
				PQsendQueryParams(link->conn, sql, params->count, params->types,
						  params->values, params->lengths, PG_BINARY, 1));
}

void link_send_prepared(struct pg_link *link, const char *name, const struct pg_params *params)
{
	link_sent(link, !link->refused &&
				PQsendQueryPrepared(link->conn, name, params->count, params->values,
						    params->lengths, PG_BINARY, 1));
}

void link_send_prepare(struct pg_link *link, const char *name, const char *sql)
{
	link_sent(link, !link->refused && PQsendPrepare(link->conn, name, sql, 0, NULL));
}

void link_send_sync(struct pg_link *link)
{
	link_sent(link, !link->refused && PQpipelineSync(link->conn));
	link_flush(link);
}

/* The next result that is here already; NULL where there is none, or the connection broke. */
static PGresult *link_take(struct pg_link *link)
{
	while (link->unanswered > 0 && !PQisBusy(link->conn)) {
		PGresult *result = PQgetResult(link->conn);

		if (result) {
			link->unanswered--;
			return result;
		}
		/* NULL ends the results of one command; from a lost connection it comes for ever.
		 */
		if (PQstatus(link->conn) == CONNECTION_BAD)
			break;
	}
	return NULL;
}

/* An error of libpq's own, such as running out of memory, has no SQLSTATE. What it then missed may
 * be waited for in vain. */
static bool is_of_libpq(const PGresult *result)
{
	return PQresultStatus(result) == PGRES_FATAL_ERROR &&
	       PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL;
}

enum link_next link_next(struct pg_link *link, PGresult **ret_result)
{
	if (link->refused)
		return LINK_BROKEN;
	*ret_result = link_take(link);
	if (!*ret_result) {
		if (!PQconsumeInput(link->conn))
			return LINK_BROKEN;
		link_flush(link);
		*ret_result = link_take(link);
	}
	if (*ret_result && is_of_libpq(*ret_result)) {
		PQclear(*ret_result);
		return LINK_BROKEN;
	}
	if (*ret_result)
		return LINK_RESULT;
	return PQstatus(link->conn) == CONNECTION_BAD ? LINK_BROKEN : LINK_WAIT;
}
