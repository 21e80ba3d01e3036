/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client connection: transport, timer and SMTP session. Private to the server.
 *
 * Before the session a proxy may have to say who the client is, and TLS may have to begin; who does
 * not get through that in time is cut without a word.
 *
 * While a question is open or a reply is unsent nothing is read, so that a client's haste stays in
 * the kernel's buffers. Bytes are read into one buffer that all connections share; only what a
 * session could not yet consume is kept per connection.
 */
#ifndef BOUNCED_INGEST_CONNECTION_H
#define BOUNCED_INGEST_CONNECTION_H

#include <stdint.h>

#include <event2/event.h>

#include "ingest/server.h"
#include "ingest/smtp_session.h"

/* Small enough that the replies to one piece, a RCPT of 15 bytes having the longest for its size,
 * always fit LIMIT_OUTPUT_BUFFER. */
#define CONNECTION_READ_SIZE 16384

/* What all connections share; the server's. */
struct connection_shared {
	struct event_base *base;
	struct tls *tls;
	struct transcript *transcript; /* NULL: none */
	struct smtp_service service;
	int64_t output_ms;
	int64_t auth_delay_ms;
	bool stressed; /* the service is nearly full */
	struct refusal_counters *refusals;
	struct in_flight *in_flight;
	char *read_buffer; /* of CONNECTION_READ_SIZE */
	/* A proxy said who the client is; may it stay? */
	bool (*on_client)(struct connection_shared *shared, connection_id id, struct slice peer);
	/* The last word about a connection, which is gone on return. */
	void (*on_closed)(struct connection_shared *shared, connection_id id);
};

struct connection;

/* fd: a connected, non-blocking socket; moves here. listener: borrowed. Does nothing yet. */
struct connection *connection_new(struct connection_shared *shared,
				  const struct listener_options *listener, connection_id id, int fd,
				  struct slice peer_address);
connection_id connection_get_id(const struct connection *connection);
/* The client's address in text, as the proxy said it where there is one. */
struct slice connection_peer(const struct connection *connection);
const struct listener_options *connection_listener(const struct connection *connection);

/* Each of these may close the connection before it returns. */
void connection_start(struct connection *connection);
/* No-ops unless a question of that kind is open. */
void connection_answer(struct connection *connection, const struct smtp_reply *reply);
void connection_answer_rcpt(struct connection *connection, const struct smtp_reply *reply,
			    const struct inbound_recipient *recipient);
void connection_answer_auth(struct connection *connection, enum auth_outcome outcome,
			    uint64_t account_id);
/* After a change of shared->stressed. */
void connection_stress_changed(struct connection *connection);
/* Ends it at the next command boundary. */
void connection_shutdown(struct connection *connection);

/* Whether that peer is a proxy to this listener. */
bool connection_is_of_proxy(const struct listener_options *listener, struct slice peer);

/* At once, without a word. */
void connection_close(struct connection *connection);

#endif
