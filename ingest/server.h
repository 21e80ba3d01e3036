/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libevent shell around SMTP sessions: accepts on listening sockets that the supervisor bound,
 * moves bytes, keeps deadlines, and passes the sessions' questions to a service.
 *
 * A connection is refused with 421 beyond the lower of max_connections and what RLIMIT_NOFILE
 * leaves after LIMIT_RESERVED_FDS, and where the limits that processes share forbid it. Where
 * descriptors run out all the same, accepting pauses. Nearly full, the server gives clients less
 * time.
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
#include "core/network.h"
#include "ingest/admission.h"
#include "ingest/sasl.h"
#include "ingest/smtp_session.h"
#include "ingest/tls.h"
#include "ingest/transcript.h"

/* Never reused within a process. */
typedef uint64_t connection_id;

struct smtp_service {
	void *context;
	void (*mail)(void *context, connection_id connection);
	/* address is borrowed for the call */
	void (*rcpt)(void *context, connection_id connection, struct slice address);
	/* the message moves to the service */
	void (*message)(void *context, connection_id connection, struct inbound *inbound);
	/* credentials are borrowed for the call; server_answer_auth() */
	void (*auth)(void *context, connection_id connection, struct sasl_credentials credentials);
	/* A client came whom server_screens() holds for; NULL: the service need not know */
	void (*client)(void *context, connection_id connection);
};

enum auth_outcome { AUTH_ACCEPTED, AUTH_REFUSED, AUTH_LATER };

/* How connections of one listening socket are served. */
struct listener_options {
	struct smtp_settings smtp; /* copied; its slices are borrowed */
	bool implicit_tls;         /* TLS from the first byte */
	/* Whoever connects from there is a proxy, and must say first for whom. Borrowed. */
	const struct ip_network *proxy_networks;
	size_t proxy_network_count;
	bool screened; /* clients from networks that are not trusted are looked at twice */
};

struct server;

struct server_options {
	struct tls *tls;               /* borrowed; loaded where a listener offers TLS */
	struct transcript *transcript; /* borrowed; NULL: none */
	struct in_flight *in_flight;   /* borrowed; NULL: as many bytes as come */
	unsigned max_connections;      /* of this process */
	struct admission admission;    /* copied; what it points to is borrowed */
	int64_t output_ms;     /* how long a client may leave replies unread; 0: LIMIT_OUTPUT_MS */
	int64_t auth_delay_ms; /* before a failed AUTH is answered */
};

struct server *server_new(struct event_base *base, const struct server_options *options,
			  const struct smtp_service *service);
void server_free(struct server *server);
/* fd: a bound, listening, non-blocking socket; moves to the server. */
void server_listen(struct server *server, int fd, const struct listener_options *options);

void server_answer(struct server *server, connection_id id, const struct smtp_reply *reply);
void server_answer_rcpt(struct server *server, connection_id id, const struct smtp_reply *reply,
			const struct inbound_recipient *recipient);

/* account_id: whose key it was, with AUTH_ACCEPTED. A refusal is said after auth_delay_ms. */
void server_answer_auth(struct server *server, connection_id id, enum auth_outcome outcome,
			uint64_t account_id);

/* The client's address in text; empty where the connection is gone. Borrowed until control returns
 * to the event loop. */
struct slice server_peer(struct server *server, connection_id id);

/* Whether the client came by a screened listener from no trusted network, and by which address. */
bool server_screens(struct server *server, connection_id id, struct ip_address *ret_client);

/* Stops accepting; sessions end at their next command boundary. on_idle is called once when the
 * last one is gone, within this call when there is none. How long to wait is the caller's business:
 * server_free() cuts what is left. */
void server_shutdown(struct server *server, void (*on_idle)(void *context), void *context);
/* The same, but each session goes on until its client ends it. server_shutdown() may follow. */
void server_retire(struct server *server, void (*on_idle)(void *context), void *context);
unsigned server_connection_count(const struct server *server);

#endif
