/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/connection_state.h"

#include <assert.h>
#include <stdlib.h>

#include "core/log.h"
#include "core/timestamp.h"

static const struct smtp_reply auth_accepted =
	SMTP_REPLY(235, "2.7.0", "Authentication successful");
static const struct smtp_reply auth_refused = SMTP_REPLY(535, "5.7.8", "Authentication failed");
static const struct smtp_reply auth_later =
	SMTP_REPLY(454, "4.7.0", "Cannot authenticate now, try again later");

struct connection *connection_new(struct connection_shared *shared,
				  const struct listener_options *listener, connection_id id, int fd,
				  struct slice peer_address)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	struct smtp_peer peer = { .address = peer_address };

	if (connection == NULL)
		abort();
	connection->id = id;
	connection->shared = shared;
	connection->listener = listener;
	transport_init(&connection->transport, fd);
	connection->stage = STAGE_SESSION;
	connection->session = smtp_session_new(&listener->smtp, &peer, time_monotonic_ms());
	smtp_session_set_stressed(connection->session, shared->stressed);
	connection->setup_deadline_ms = INT64_MAX;
	connection->refuse_auth_at_ms = INT64_MAX;
	connection->output_deadline_ms = INT64_MAX;
	connection->linger_deadline_ms = INT64_MAX;
	buf_init(&connection->rest, CONNECTION_READ_SIZE);
	connection_events_init(connection);
	return connection;
}

connection_id connection_get_id(const struct connection *connection)
{
	return connection->id;
}

struct slice connection_peer(const struct connection *connection)
{
	return smtp_session_peer(connection->session);
}

const struct listener_options *connection_listener(const struct connection *connection)
{
	return connection->listener;
}

void connection_close(struct connection *connection)
{
	struct connection_shared *shared = connection->shared;
	connection_id id = connection->id;

	assert(!connection->pumping);
	connection_events_done(connection);
	transport_done(&connection->transport);
	smtp_session_free(connection->session);
	buf_done(&connection->rest);
	free(connection);
	shared->on_closed(shared, id);
}

/* -- the session's questions -- */

static void ask(struct connection *connection, enum smtp_action question)
{
	const struct smtp_service *service = &connection->shared->service;
	struct smtp_session *session = connection->session;

	connection->asked = question;
	switch (question) {
	case SMTP_ASK_MAIL:
		service->mail(service->context, connection->id);
		break;
	case SMTP_ASK_RCPT:
		service->rcpt(service->context, connection->id, smtp_session_rcpt(session));
		break;
	case SMTP_ASK_MESSAGE:
		service->message(service->context, connection->id,
				 smtp_session_take_message(session));
		break;
	case SMTP_ASK_AUTH:
		service->auth(service->context, connection->id, smtp_session_credentials(session));
		break;
	case SMTP_START_TLS: /* when the output is written */
	case SMTP_DELAY:     /* when its time is over */
	case SMTP_NEED_INPUT:
	case SMTP_CLOSE:
		break;
	}
}

/* Feeds the session until it wants more, waits for an answer, or is over. Returns how many bytes it
 * consumed. */
static size_t feed(struct connection *connection, struct slice bytes)
{
	int64_t now_ms = time_monotonic_ms();
	int64_t unix_ms = time_now_ms();
	size_t used = 0;

	connection->pumping = true;
	while (connection->asked == SMTP_NEED_INPUT) {
		used += smtp_session_input(connection->session, slice_skip(bytes, used), now_ms,
					   unix_ms);
		enum smtp_action action = smtp_session_next(connection->session);

		if (action == SMTP_CLOSE)
			connection->closing = true;
		if (action == SMTP_CLOSE || (action == SMTP_NEED_INPUT && used == bytes.len))
			break;
		ask(connection, action);
	}
	connection->pumping = false;
	return used;
}

/* Keeps what the session has not consumed. */
static void keep_rest(struct connection *connection, struct slice bytes, size_t used)
{
	struct buf *rest = &connection->rest;

	if (rest->len > 0)
		buf_consume(rest, used);
	else
		buf_append(rest, slice_skip(bytes, used));
	if (rest->len == 0 && rest->cap > 0) {
		buf_done(rest);
		buf_init(rest, CONNECTION_READ_SIZE);
	}
}

void connection_settle(struct connection *connection)
{
	if (!connection_flush(connection))
		return;
	if (connection->asked == SMTP_START_TLS &&
	    smtp_session_output(connection->session)->len == 0) {
		connection_begin_handshake(connection);
		return;
	}
	/* Without an answer yet, reading is stopped only when bytes come indeed (on_readable). */
	if (connection->asked == SMTP_NEED_INPUT)
		connection_set_reading(connection, connection->output_deadline_ms == INT64_MAX);
	if (connection->reading && transport_has_pending(&connection->transport))
		event_active(&connection->readable, EV_READ, 0);
	connection_arm_timer(connection);
}

void connection_pump(struct connection *connection, struct slice bytes)
{
	size_t used = feed(connection, bytes);

	keep_rest(connection, bytes, used);
	connection_settle(connection);
}

/* -- answers -- */

void connection_resume(struct connection *connection)
{
	connection->asked = SMTP_NEED_INPUT;
	if (!connection->pumping)
		connection_pump(connection, buf_slice(&connection->rest));
}

void connection_answer(struct connection *connection, const struct smtp_reply *reply)
{
	if (connection->asked != SMTP_ASK_MAIL && connection->asked != SMTP_ASK_MESSAGE)
		return;
	smtp_session_answer(connection->session, reply, time_monotonic_ms());
	connection_resume(connection);
}

void connection_answer_rcpt(struct connection *connection, const struct smtp_reply *reply,
			    const struct inbound_recipient *recipient)
{
	if (connection->asked != SMTP_ASK_RCPT)
		return;
	smtp_session_answer_rcpt(connection->session, reply, recipient, time_monotonic_ms());
	connection_resume(connection);
}

void connection_refuse_auth(struct connection *connection)
{
	connection->refuse_auth_at_ms = INT64_MAX;
	smtp_session_answer_auth(connection->session, &auth_refused, 0, time_monotonic_ms());
	connection_resume(connection);
}

void connection_answer_auth(struct connection *connection, enum auth_outcome outcome,
			    uint64_t account_id)
{
	int64_t now_ms = time_monotonic_ms();

	if (connection->asked != SMTP_ASK_AUTH || connection->refuse_auth_at_ms != INT64_MAX)
		return;
	if (outcome == AUTH_REFUSED) {
		log_event(LOG_WARNING, "auth_failed",
			  LOG_SLICE("peer", smtp_session_peer(connection->session)));
		connection->refuse_auth_at_ms = now_ms + connection->shared->auth_delay_ms;
		connection_arm_timer(connection);
		return;
	}
	smtp_session_answer_auth(connection->session,
				 outcome == AUTH_ACCEPTED ? &auth_accepted : &auth_later,
				 account_id, now_ms);
	connection_resume(connection);
}

void connection_shutdown(struct connection *connection)
{
	if (connection->stage != STAGE_SESSION) {
		connection_close(connection);
		return;
	}
	smtp_session_shutdown(connection->session);
	if (connection->asked == SMTP_DELAY)
		connection->asked =
			SMTP_NEED_INPUT; /* for the session to say so again, or to close */
	if (!connection->pumping && connection->asked == SMTP_NEED_INPUT)
		connection_pump(connection, buf_slice(&connection->rest));
}

void connection_stress_changed(struct connection *connection)
{
	smtp_session_set_stressed(connection->session, connection->shared->stressed);
	connection_arm_timer(connection);
}
