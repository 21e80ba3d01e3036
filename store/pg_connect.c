/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg_connect.h"

#include <stdlib.h>
#include <string.h>

const int PG_BINARY[PG_PARAMS_MAX] = {
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
};

/* Later words win: defaults, the DSN, what must hold. A peer that vanished is noticed within 10 s.
 */
static const char *const KEYWORDS[] = {
	"fallback_application_name",
	"connect_timeout",
	"keepalives_idle",
	"keepalives_interval",
	"keepalives_count",
	"tcp_user_timeout",
	"dbname",
	"client_encoding",
	NULL,
};
#define DSN_INDEX 6

static void connection_values(const char *dsn, const char **values)
{
	static const char *const VALUES[] = { "bounced", "5", "5", "2", "3", "10000", "", "UTF8" };

	memcpy(values, VALUES, sizeof(VALUES));
	values[DSN_INDEX] = dsn;
	values[sizeof(VALUES) / sizeof(VALUES[0])] = NULL;
}

/* libpq would write notices to stderr, among our JSON lines. */
static void notice_ignore(void *context, const char *message)
{
	(void)context;
	(void)message;
}

static PGconn *checked(PGconn *conn)
{
	if (!conn)
		abort();
	PQsetNoticeProcessor(conn, notice_ignore, NULL);
	return conn;
}

PGconn *pg_connect_blocking(const char *dsn)
{
	const char *values[sizeof(KEYWORDS) / sizeof(KEYWORDS[0])];

	connection_values(dsn, values);
	return checked(PQconnectdbParams(KEYWORDS, values, 1));
}

PGconn *pg_connect_start(const char *dsn)
{
	const char *values[sizeof(KEYWORDS) / sizeof(KEYWORDS[0])];

	connection_values(dsn, values);
	return checked(PQconnectStartParams(KEYWORDS, values, 1));
}

enum pg_outcome pg_failure(const char *sqlstate)
{
	static const char *const RETRY[] = {
		"08",    /* connection */
		"0A000", /* a cached plan that a migration outdated; a new connection has none */
		"25006", /* a standby: the primary is elsewhere now */
		"26000", /* a prepared statement that the pooler forgot */
		"40",    /* serialisation, deadlock */
		"53",    /* no space, memory or connection */
		"55P03", /* lock timeout */
		"57",    /* shutdown, recovery, statement timeout */
	};

	if (sqlstate[0] == '\0')
		return PG_RETRY;
	for (size_t i = 0; i < sizeof(RETRY) / sizeof(RETRY[0]); i++) {
		if (strncmp(sqlstate, RETRY[i], strlen(RETRY[i])) == 0)
			return PG_RETRY;
	}
	return PG_HARD;
}

const char *pg_result_sqlstate(const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return sqlstate ? sqlstate : "";
}
