/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a connection share; nobody else includes it.
 *
 *	connection.c		life cycle; serves the session, and passes it the service's answers
 *	connection_setup.c	before the session: a proxy's header, TLS, the greeting
 *	connection_events.c	readable, writable, late: deadlines, and what is unsent
 */
#ifndef BOUNCED_INGEST_CONNECTION_STATE_H
#define BOUNCED_INGEST_CONNECTION_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event_struct.h>

#include "core/buf.h"
#include "ingest/connection.h"
#include "ingest/transport.h"

enum connection_stage {
	STAGE_PROXY,     /* a proxy's header must come */
	STAGE_HANDSHAKE, /* of TLS */
	STAGE_SESSION,
};

struct connection {
	connection_id id;
	struct connection_shared *shared;
	const struct listener_options *listener;
	struct transport transport;
	enum connection_stage stage;
	struct smtp_session *session;
	struct event readable;
	struct event writable;
	struct event timer;
	int64_t timer_at_ms;        /* when the timer fires; INT64_MAX while it is not set */
	int64_t setup_deadline_ms;  /* INT64_MAX in the session */
	int64_t refuse_auth_at_ms;  /* INT64_MAX while no refusal is held back */
	int64_t output_deadline_ms; /* INT64_MAX while no reply is unsent */
	int64_t linger_deadline_ms; /* INT64_MAX until all is said */
	struct buf rest;            /* received, not yet consumed */
	enum smtp_action asked;     /* the question the service has; SMTP_NEED_INPUT: none */
	bool greeted;
	bool reading;
	bool read_blocked; /* reading goes on when the socket takes bytes */
	bool pumping;      /* the session is being served further up the stack */
	bool closing;      /* the session is over; what it said may yet be unsent */
};

/* -- connection.c; each may close the connection -- */

/* Serves the session, then puts the events right. bytes: new ones, or the rest. */
void connection_pump(struct connection *connection, struct slice bytes);
/* What is unsent was sent, perhaps, and with it the reply to STARTTLS. */
void connection_settle(struct connection *connection);
/* The open question is answered, or its time is over. */
void connection_resume(struct connection *connection);
/* Says that the credentials are wrong, which was held back until now. */
void connection_refuse_auth(struct connection *connection);

/* -- connection_setup.c; each may close the connection -- */

/* The session asked for it, or the listener has TLS from the first byte. */
void connection_begin_handshake(struct connection *connection);
void connection_go_on_with_handshake(struct connection *connection);
void connection_read_proxy_header(struct connection *connection);

/* -- connection_events.c -- */

void connection_events_init(struct connection *connection);
void connection_events_done(struct connection *connection);
void connection_arm_timer(struct connection *connection);
void connection_set_reading(struct connection *connection, bool reading);
/* Sends what the session said, as far as the socket takes it. false: the connection is gone. */
bool connection_flush(struct connection *connection);

#endif
