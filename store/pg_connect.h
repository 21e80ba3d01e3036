/* SPDX-License-Identifier: Apache-2.0 */
/* What the blocking (pg.h) and the non-blocking connection (link.h) share; inside store/ only. */
#ifndef BOUNCED_STORE_PG_CONNECT_H
#define BOUNCED_STORE_PG_CONNECT_H

#include <stdbool.h>

#include <libpq-fe.h>

#include "store/pg.h"

/* All parameters and all results are binary. */
extern const int PG_BINARY[PG_PARAMS_MAX];

/* dsn with our defaults below it and what must hold above it. Never NULL. */
PGconn *pg_connect_blocking(const char *dsn);
PGconn *pg_connect_start(const char *dsn);

/* What a failed statement means; sqlstate is empty where the connection broke. */
enum pg_outcome pg_failure(const char *sqlstate);

/* Of a failed result; empty where it carries none. */
const char *pg_result_sqlstate(const PGresult *result);

#endif
