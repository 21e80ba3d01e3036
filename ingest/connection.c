/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <event2/event_struct.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/timestamp.h"
#include "ingest/proxy_protocol.h"
#include "ingest/transport.h"

/* What a client still sends after the last reply is read and dropped for so long: closing on unread
 * bytes would reset the connection, and the reply might be lost with it. */
#define LINGER_MS 1000

enum stage {
	STAGE_PROXY,     /* a proxy's header must come */
	STAGE_HANDSHAKE, /* of TLS */
	STAGE_SESSION,
};

static const struct smtp_reply too_many_connections =
	SMTP_REPLY(421, "4.7.0", "Too many connections");
static const struct smtp_reply auth_accepted =
	SMTP_REPLY(235, "2.7.0", "Authentication successful");
static const struct smtp_reply auth_refused = SMTP_REPLY(535, "5.7.8", "Authentication failed");
static const struct smtp_reply auth_later =
	SMTP_REPLY(454, "4.7.0", "Cannot authenticate now, try again later");

struct connection {
	connection_id id;
	struct connection_shared *shared;
	const struct listener_options *listener;
	struct transport transport;
	enum stage stage;
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

static void begin_handshake(struct connection *connection);
static void on_readable(evutil_socket_t fd, short what, void *argument);
static void on_writable(evutil_socket_t fd, short what, void *argument);
static void on_timer(evutil_socket_t fd, short what, void *argument);

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
	connection->timer_at_ms = INT64_MAX;
	connection->output_deadline_ms = INT64_MAX;
	connection->linger_deadline_ms = INT64_MAX;
	buf_init(&connection->rest, CONNECTION_READ_SIZE);
	event_assign(&connection->readable, shared->base, fd, EV_READ | EV_PERSIST, on_readable,
		     connection);
	event_assign(&connection->writable, shared->base, fd, EV_WRITE, on_writable, connection);
	event_assign(&connection->timer, shared->base, -1, 0, on_timer, connection);
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

void connection_close(struct connection *connection)
{
	struct connection_shared *shared = connection->shared;
	connection_id id = connection->id;

	assert(!connection->pumping);
	event_del(&connection->readable);
	event_del(&connection->writable);
	event_del(&connection->timer);
	transport_done(&connection->transport);
	smtp_session_free(connection->session);
	buf_done(&connection->rest);
	free(connection);
	shared->on_closed(shared, id);
}

/* -- events -- */

static int64_t min_i64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_deadline(const struct connection *connection)
{
	int64_t ours = min_i64(connection->output_deadline_ms, connection->linger_deadline_ms);

	if (connection->stage != STAGE_SESSION)
		return connection->setup_deadline_ms;
	ours = min_i64(ours, connection->refuse_auth_at_ms);
	return min_i64(ours, smtp_session_deadline(connection->session));
}

/* A deadline that moved away is noticed when the timer fires too early, which costs less than
 * moving the timer with every command. */
static void arm_timer(struct connection *connection)
{
	int64_t deadline = next_deadline(connection);
	int64_t wait_ms;

	if (deadline >= connection->timer_at_ms)
		return;
	wait_ms = deadline - time_monotonic_ms();
	if (wait_ms < 1)
		wait_ms = 1;
	event_add(&connection->timer,
		  &(struct timeval){ .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000 });
	connection->timer_at_ms = deadline;
}

static void set_reading(struct connection *connection, bool reading)
{
	if (reading == connection->reading)
		return;
	if (reading)
		event_add(&connection->readable, NULL);
	else
		event_del(&connection->readable);
	connection->reading = reading;
}

/* -- output -- */

/* All is said and sent. false: the connection is gone. */
static bool begin_linger(struct connection *connection)
{
	transport_finish(&connection->transport);
	if (smtp_session_quit(connection->session)) {
		connection_close(connection);
		return false;
	}
	connection->linger_deadline_ms = time_monotonic_ms() + LINGER_MS;
	return true;
}

/* Sends what the session said, as far as the socket takes it. false: the connection is gone. */
static bool flush_output(struct connection *connection)
{
	struct buf *output = smtp_session_output(connection->session);

	if (output->len > 0) {
		struct transport *transport = &connection->transport;
		ssize_t sent = transport_write(transport, output->data, output->len);

		if (output->full)
			refusal_add(connection->shared->refusals, REFUSED_UNREAD);
		if (output->full || sent == TRANSPORT_OVER) {
			connection_close(connection);
			return false;
		}
		if (sent > 0)
			buf_consume(output, (size_t)sent);
	}
	if (output->len > 0) {
		if (connection->output_deadline_ms == INT64_MAX)
			connection->output_deadline_ms =
				time_monotonic_ms() + connection->shared->output_ms;
		event_add(&connection->writable, NULL);
		return true;
	}
	connection->output_deadline_ms = INT64_MAX;
	if (connection->closing && connection->linger_deadline_ms == INT64_MAX)
		return begin_linger(connection);
	return true;
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

/* What is unsent was sent, perhaps, and with it the reply to STARTTLS. May close. */
static void settle(struct connection *connection)
{
	if (!flush_output(connection))
		return;
	if (connection->asked == SMTP_START_TLS &&
	    smtp_session_output(connection->session)->len == 0) {
		begin_handshake(connection);
		return;
	}
	/* Without an answer yet, reading is stopped only when bytes come indeed (on_readable). */
	if (connection->asked == SMTP_NEED_INPUT)
		set_reading(connection, connection->output_deadline_ms == INT64_MAX);
	if (connection->reading && transport_has_pending(&connection->transport))
		event_active(&connection->readable, EV_READ, 0);
	arm_timer(connection);
}

/* Serves the session, then puts the events right. bytes: new ones, or the rest. May close. */
static void pump(struct connection *connection, struct slice bytes)
{
	size_t used = feed(connection, bytes);

	keep_rest(connection, bytes, used);
	settle(connection);
}

/* -- before the session -- */

static void greet(struct connection *connection)
{
	/* What is there before the greeting is shown to the session. */
	char *bytes = connection->shared->read_buffer;
	ssize_t count = transport_read(&connection->transport, bytes, CONNECTION_READ_SIZE);

	connection->greeted = true;
	if (count == TRANSPORT_OVER)
		connection_close(connection);
	else
		pump(connection, slice_from(bytes, (size_t)count));
}

static int64_t setup_ms(const struct connection *connection)
{
	const struct smtp_settings *settings = &connection->listener->smtp;

	return connection->shared->stressed
		       ? min_i64(settings->command_ms, settings->stress_command_ms)
		       : settings->command_ms;
}

static void begin_setup(struct connection *connection, enum stage stage)
{
	connection->stage = stage;
	connection->setup_deadline_ms = time_monotonic_ms() + setup_ms(connection);
	set_reading(connection, true);
}

/* May close. */
static void go_on_with_handshake(struct connection *connection)
{
	struct transport *transport = &connection->transport;
	int result = transport_handshake(transport);

	if (result == TRANSPORT_OVER) {
		log_event(LOG_DEBUG, "tls_handshake_failed",
			  LOG_SLICE("peer", smtp_session_peer(connection->session)),
			  LOG_SLICE("error", transport_error()));
		connection_close(connection);
		return;
	}
	if (result == TRANSPORT_BLOCKED) {
		if (transport->wants_write)
			event_add(&connection->writable, NULL);
		arm_timer(connection);
		return;
	}
	connection->stage = STAGE_SESSION;
	connection->setup_deadline_ms = INT64_MAX;
	connection->asked = SMTP_NEED_INPUT;
	smtp_session_tls_started(connection->session, transport_tls_version(transport),
				 time_monotonic_ms());
	if (connection->greeted)
		pump(connection, SLICE_NONE);
	else
		greet(connection);
}

static void begin_handshake(struct connection *connection)
{
	/* The session refuses bytes that come together with STARTTLS; later ones are TLS's. */
	assert(connection->rest.len == 0);
	transport_start_tls(&connection->transport, tls_accept(connection->shared->tls));
	begin_setup(connection, STAGE_HANDSHAKE);
	go_on_with_handshake(connection);
}

static void on_trace(void *context, bool from_client, struct slice text)
{
	const struct connection *connection = context;

	transcript_write(connection->shared->transcript, connection->id, from_client, text);
}

static void begin_session(struct connection *connection)
{
	struct transcript *transcript = connection->shared->transcript;

	if (transcript != NULL &&
	    transcript_wants(transcript, smtp_session_peer(connection->session)))
		smtp_session_set_trace(connection->session,
				       &(struct smtp_trace){ on_trace, connection });
	connection->stage = STAGE_SESSION;
	connection->setup_deadline_ms = INT64_MAX;
	if (connection->listener->implicit_tls)
		begin_handshake(connection);
	else
		greet(connection);
}

/* false: there are too many like it, and it has no session that could say so. */
static bool take_peer(struct connection *connection, const struct proxy_header *header)
{
	struct connection_shared *shared = connection->shared;
	char text[INET6_ADDRSTRLEN];

	if (!header->has_source)
		return true;
	inet_ntop(header->source.v6 ? AF_INET6 : AF_INET, header->source.bytes, text, sizeof(text));
	smtp_session_set_peer(connection->session, &(struct smtp_peer){ slice_from_cstr(text) });
	if (shared->on_client(shared, connection->id, slice_from_cstr(text)))
		return true;
	smtp_session_refuse(connection->session, &too_many_connections);
	return !connection->listener->implicit_tls;
}

/* Takes the header's bytes off the socket and none of those behind it, which may be TLS's. */
static void read_proxy_header(struct connection *connection)
{
	struct buf *head = &connection->rest;
	char *at = buf_reserve(head, PROXY_HEADER_MAX - head->len);
	struct proxy_header header = { 0 };
	ssize_t peeked = recv(connection->transport.fd, at, PROXY_HEADER_MAX - head->len, MSG_PEEK);

	if (peeked < 0 && (errno == EAGAIN || errno == EINTR)) {
		arm_timer(connection);
		return;
	}
	size_t len = head->len + (peeked > 0 ? (size_t)peeked : 0);
	enum proxy_result result =
		peeked > 0 ? proxy_protocol_parse(slice_from(head->data, len), &header)
			   : PROXY_BROKEN;
	size_t used = (result == PROXY_DONE ? header.len : len) - head->len;

	if (result == PROXY_BROKEN ||
	    recv(connection->transport.fd, at, used, 0) != (ssize_t)used) {
		connection_close(connection);
		return;
	}
	head->len += used;
	if (result == PROXY_MORE) {
		arm_timer(connection);
		return;
	}
	buf_done(head);
	buf_init(head, CONNECTION_READ_SIZE);
	if (take_peer(connection, &header))
		begin_session(connection);
	else
		connection_close(connection);
}

bool connection_is_of_proxy(const struct listener_options *listener, struct slice peer)
{
	struct ip_address address;

	if (!ip_parse(peer, &address))
		return false;
	for (size_t i = 0; i < listener->proxy_network_count; i++)
		if (ip_network_holds(&listener->proxy_networks[i], &address))
			return true;
	return false;
}

void connection_start(struct connection *connection)
{
	if (!connection_is_of_proxy(connection->listener, smtp_session_peer(connection->session))) {
		begin_session(connection);
		return;
	}
	begin_setup(connection, STAGE_PROXY);
	read_proxy_header(connection);
}

/* -- answers -- */

static void resume(struct connection *connection)
{
	connection->asked = SMTP_NEED_INPUT;
	if (!connection->pumping)
		pump(connection, buf_slice(&connection->rest));
}

void connection_answer(struct connection *connection, const struct smtp_reply *reply)
{
	if (connection->asked != SMTP_ASK_MAIL && connection->asked != SMTP_ASK_MESSAGE)
		return;
	smtp_session_answer(connection->session, reply, time_monotonic_ms());
	resume(connection);
}

void connection_answer_rcpt(struct connection *connection, const struct smtp_reply *reply,
			    const struct inbound_recipient *recipient)
{
	if (connection->asked != SMTP_ASK_RCPT)
		return;
	smtp_session_answer_rcpt(connection->session, reply, recipient, time_monotonic_ms());
	resume(connection);
}

static void refuse_auth(struct connection *connection)
{
	connection->refuse_auth_at_ms = INT64_MAX;
	smtp_session_answer_auth(connection->session, &auth_refused, 0, time_monotonic_ms());
	resume(connection);
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
		arm_timer(connection);
		return;
	}
	smtp_session_answer_auth(connection->session,
				 outcome == AUTH_ACCEPTED ? &auth_accepted : &auth_later,
				 account_id, now_ms);
	resume(connection);
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
		pump(connection, buf_slice(&connection->rest));
}

void connection_stress_changed(struct connection *connection)
{
	smtp_session_set_stressed(connection->session, connection->shared->stressed);
	arm_timer(connection);
}

/* -- callbacks -- */

static void read_session(struct connection *connection)
{
	char *bytes = connection->shared->read_buffer;

	if (connection->asked != SMTP_NEED_INPUT) {
		set_reading(connection, false);
		return;
	}
	ssize_t count = transport_read(&connection->transport, bytes, CONNECTION_READ_SIZE);

	connection->read_blocked = count == TRANSPORT_BLOCKED && connection->transport.wants_write;
	if (connection->read_blocked)
		event_add(&connection->writable, NULL);
	if (count == TRANSPORT_OVER)
		connection_close(connection);
	else if (count > 0 && !connection->closing)
		pump(connection, slice_from(bytes, (size_t)count));
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
	struct connection *connection = argument;

	(void)fd;
	(void)what;
	switch (connection->stage) {
	case STAGE_PROXY:
		read_proxy_header(connection);
		break;
	case STAGE_HANDSHAKE:
		go_on_with_handshake(connection);
		break;
	case STAGE_SESSION:
		read_session(connection);
		break;
	}
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
	struct connection *connection = argument;

	(void)fd;
	(void)what;
	if (connection->stage == STAGE_HANDSHAKE) {
		go_on_with_handshake(connection);
		return;
	}
	if (connection->read_blocked)
		event_active(&connection->readable, EV_READ, 0);
	if (connection->asked == SMTP_NEED_INPUT)
		pump(connection, buf_slice(&connection->rest));
	else
		settle(connection);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct connection *connection = argument;
	int64_t now_ms = time_monotonic_ms();

	(void)fd;
	(void)what;
	connection->timer_at_ms = INT64_MAX;
	if (now_ms >= connection->output_deadline_ms)
		refusal_add(connection->shared->refusals, REFUSED_UNREAD);
	else if (now_ms >= connection->setup_deadline_ms)
		refusal_add(connection->shared->refusals, REFUSED_TIMEOUT);
	if (now_ms >= connection->output_deadline_ms || now_ms >= connection->linger_deadline_ms ||
	    now_ms >= connection->setup_deadline_ms) {
		connection_close(connection);
	} else if (connection->stage != STAGE_SESSION) {
		arm_timer(connection);
	} else if (now_ms >= connection->refuse_auth_at_ms) {
		refuse_auth(connection);
	} else if (now_ms < smtp_session_deadline(connection->session)) {
		arm_timer(connection);
	} else if (connection->asked == SMTP_DELAY) {
		smtp_session_resume(connection->session, now_ms);
		resume(connection);
	} else {
		smtp_session_timeout(connection->session, now_ms);
		pump(connection, SLICE_NONE);
	}
}
