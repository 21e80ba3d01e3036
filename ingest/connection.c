/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "core/limits.h"
#include "core/timestamp.h"

/* What a client still sends after the last reply is read and dropped for so long: closing on unread
 * bytes would reset the connection, and the reply might be lost with it. */
#define LINGER_MS 1000

struct connection {
	connection_id id;
	struct connection_shared *shared;
	int fd;
	struct smtp_session *session;
	struct event readable;
	struct event writable;
	struct event timer;
	int64_t timer_at_ms;        /* when the timer fires; INT64_MAX while it is not set */
	int64_t output_deadline_ms; /* INT64_MAX while no reply is unsent */
	int64_t linger_deadline_ms; /* INT64_MAX until all is said */
	struct buf rest;            /* received, not yet consumed */
	enum smtp_action asked;     /* the question the service has; SMTP_NEED_INPUT: none */
	bool reading;
	bool pumping; /* the session is being served further up the stack */
	bool closing; /* the session is over; what it said may yet be unsent */
};

static void on_readable(evutil_socket_t fd, short what, void *argument);
static void on_writable(evutil_socket_t fd, short what, void *argument);
static void on_timer(evutil_socket_t fd, short what, void *argument);

struct connection *connection_new(struct connection_shared *shared, connection_id id, int fd,
				  struct slice peer_address)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	struct smtp_peer peer = { .address = peer_address };

	if (connection == NULL)
		abort();
	connection->id = id;
	connection->shared = shared;
	connection->fd = fd;
	connection->session = smtp_session_new(&shared->settings, &peer, time_monotonic_ms());
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

void connection_close(struct connection *connection)
{
	struct connection_shared *shared = connection->shared;
	connection_id id = connection->id;

	assert(!connection->pumping);
	event_del(&connection->readable);
	event_del(&connection->writable);
	event_del(&connection->timer);
	close(connection->fd);
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

static bool would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* All is said and sent. false: the connection is gone. */
static bool begin_linger(struct connection *connection)
{
	if (smtp_session_quit(connection->session)) {
		connection_close(connection);
		return false;
	}
	shutdown(connection->fd, SHUT_WR);
	connection->linger_deadline_ms = time_monotonic_ms() + LINGER_MS;
	return true;
}

/* Sends what the session said, as far as the socket takes it. false: the connection is gone. */
static bool flush_output(struct connection *connection)
{
	struct buf *output = smtp_session_output(connection->session);

	if (output->len > 0) {
		ssize_t sent = send(connection->fd, output->data, output->len, MSG_NOSIGNAL);

		if (output->full || (sent < 0 && !would_block())) {
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

/* Serves the session, then puts the events right. bytes: new ones, or the rest. May close. */
static void pump(struct connection *connection, struct slice bytes)
{
	size_t used = feed(connection, bytes);

	keep_rest(connection, bytes, used);
	if (!flush_output(connection))
		return;
	/* Without an answer yet, reading is stopped only when bytes come indeed (on_readable). */
	if (connection->asked == SMTP_NEED_INPUT)
		set_reading(connection, connection->output_deadline_ms == INT64_MAX);
	arm_timer(connection);
}

void connection_greet(struct connection *connection)
{
	/* What is there before the greeting is shown to the session. */
	ssize_t count =
		recv(connection->fd, connection->shared->read_buffer, CONNECTION_READ_SIZE, 0);

	if (count == 0 || (count < 0 && !would_block()))
		connection_close(connection);
	else
		pump(connection,
		     slice_from(connection->shared->read_buffer, count < 0 ? 0 : (size_t)count));
}

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

void connection_shutdown(struct connection *connection)
{
	smtp_session_shutdown(connection->session);
	if (!connection->pumping && connection->asked == SMTP_NEED_INPUT)
		pump(connection, SLICE_NONE);
}

/* -- callbacks -- */

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
	struct connection *connection = argument;
	struct connection_shared *shared = connection->shared;

	(void)what;
	if (connection->asked != SMTP_NEED_INPUT) {
		set_reading(connection, false);
		return;
	}
	ssize_t count = recv(fd, shared->read_buffer, CONNECTION_READ_SIZE, 0);

	if (count == 0 || (count < 0 && !would_block()))
		connection_close(connection);
	else if (count > 0 && !connection->closing)
		pump(connection, slice_from(shared->read_buffer, (size_t)count));
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
	struct connection *connection = argument;

	(void)fd;
	(void)what;
	if (connection->asked == SMTP_NEED_INPUT)
		pump(connection, buf_slice(&connection->rest));
	else if (flush_output(connection))
		arm_timer(connection);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct connection *connection = argument;
	int64_t now_ms = time_monotonic_ms();

	(void)fd;
	(void)what;
	connection->timer_at_ms = INT64_MAX;
	if (now_ms >= connection->output_deadline_ms || now_ms >= connection->linger_deadline_ms) {
		connection_close(connection);
	} else if (now_ms >= smtp_session_deadline(connection->session)) {
		smtp_session_timeout(connection->session, now_ms);
		pump(connection, SLICE_NONE);
	} else {
		arm_timer(connection);
	}
}
