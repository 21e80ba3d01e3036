/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libevent shell around SMTP sessions: accepts on listening sockets that the supervisor bound,
 * moves bytes, keeps deadlines, and passes the sessions' questions to a service.
 *
 * The connection limit is the lower of max_connections and what RLIMIT_NOFILE leaves after
 * LIMIT_RESERVED_FDS; beyond it 421. Where descriptors run out all the same, accepting pauses.
 *
 * Questions may be answered at once, from within the callback, or later; a connection that is gone
 * by then makes the answer a no-op, so that nobody need watch for it.
 */
#ifndef BOUNCED_INGEST_SERVER_H
#define BOUNCED_INGEST_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>

#include "core/inbound.h"
#include "ingest/smtp_session.h"

/* Never reused within a process. */
typedef uint64_t connection_id;

struct smtp_service {
	void *context;
	void (*mail)(void *context, connection_id connection);
	/* address is borrowed for the call */
	void (*rcpt)(void *context, connection_id connection, struct slice address);
	/* the message moves to the service */
	void (*message)(void *context, connection_id connection, struct inbound *inbound);
};

struct server;

struct server_options {
	struct smtp_settings smtp; /* copied; its slices are borrowed */
	unsigned max_connections;
	int64_t output_ms; /* how long a client may leave replies unread; 0: LIMIT_OUTPUT_MS */
};

struct server *server_new(struct event_base *base, const struct server_options *options,
			  const struct smtp_service *service);
void server_free(struct server *server);
/* fd: a bound, listening, non-blocking socket; moves to the server. */
void server_listen(struct server *server, int fd);

void server_answer(struct server *server, connection_id id, const struct smtp_reply *reply);
void server_answer_rcpt(struct server *server, connection_id id, const struct smtp_reply *reply,
			const struct inbound_recipient *recipient);

/* Stops accepting; sessions end at their next command boundary. on_idle is called once when the
 * last one is gone, within this call when there is none. How long to wait is the caller's business:
 * server_free() cuts what is left. */
void server_shutdown(struct server *server, void (*on_idle)(void *context), void *context);
unsigned server_connection_count(const struct server *server);

#endif
