/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A non-blocking PostgreSQL connection in pipeline mode that connects again by itself, with
 * back-off. The owner polls link_fd() and calls link_step() when it is ready or link_deadline() has
 * passed; times are monotonic milliseconds.
 */
#ifndef BOUNCED_STORE_LINK_H
#define BOUNCED_STORE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "store/pg.h"

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_OPEN };

struct pg_link {
	char *dsn;
	PGconn *conn; /* NULL while down */
	enum link_state state;
	bool poll_write;   /* while connecting: what libpq waits for */
	bool unsent;       /* output that the socket did not take yet */
	bool refused;      /* libpq did not take a command: the connection is lost */
	size_t unanswered; /* commands and Syncs sent whose result was not taken */
	int64_t deadline;  /* down: when to try; connecting: when to give up */
	int64_t backoff_ms;
	char error[256]; /* of the last connection that was given up */
};

/* dsn is copied. Does not connect yet. */
void link_init(struct pg_link *link, const char *dsn);
void link_done(struct pg_link *link);

int link_fd(const struct pg_link *link);
bool link_wants_write(const struct pg_link *link);
/* INT64_MAX while open. */
int64_t link_deadline(const struct pg_link *link);

enum link_event {
	LINK_NOTHING,
	LINK_OPENED, /* and nothing was sent on it yet */
	LINK_FAILED, /* could not be opened: link_error() */
};

/* Connects and sends what waits. */
enum link_event link_step(struct pg_link *link, int64_t now_ms);
/* Gives the connection up; connects again after the back-off. */
void link_fail(struct pg_link *link, int64_t now_ms);
/* All is well: the next back-off starts small again. */
void link_settle(struct pg_link *link);
/* Why it broke, or why the last one was given up; one line. */
const char *link_error(struct pg_link *link);

/* Queue a command; a failure shows as a broken connection in link_next(). params may be NULL. */
void link_send(struct pg_link *link, const char *sql, const struct pg_params *params);
void link_send_prepared(struct pg_link *link, const char *name, const struct pg_params *params);
void link_send_prepare(struct pg_link *link, const char *name, const char *sql);
/* Ends a group: after an error the commands up to here are skipped. */
void link_send_sync(struct pg_link *link);

enum link_next {
	LINK_WAIT,   /* nothing more for now */
	LINK_RESULT, /* *ret_result is the caller's to clear: of the next command or Sync, in order
		      */
	LINK_BROKEN, /* the connection is lost: link_fail() */
};

/* Reads what has come, without blocking. */
enum link_next link_next(struct pg_link *link, PGresult **ret_result);

#endif
