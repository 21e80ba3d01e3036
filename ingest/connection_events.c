/* SPDX-License-Identifier: Apache-2.0 */
/* What the event loop tells a connection, and what it is to tell it. */
#include "ingest/connection_state.h"

#include "core/timestamp.h"

/* What a client still sends after the last reply is read and dropped for so long: closing on unread
 * bytes would reset the connection, and the reply might be lost with it. */
#define LINGER_MS 1000

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
void connection_arm_timer(struct connection *connection)
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

void connection_set_reading(struct connection *connection, bool reading)
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

bool connection_flush(struct connection *connection)
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

/* -- callbacks -- */

static void read_session(struct connection *connection)
{
	char *bytes = connection->shared->read_buffer;

	if (connection->asked != SMTP_NEED_INPUT) {
		connection_set_reading(connection, false);
		return;
	}
	ssize_t count = transport_read(&connection->transport, bytes, CONNECTION_READ_SIZE);

	connection->read_blocked = count == TRANSPORT_BLOCKED && connection->transport.wants_write;
	if (connection->read_blocked)
		event_add(&connection->writable, NULL);
	if (count == TRANSPORT_OVER)
		connection_close(connection);
	else if (count > 0 && !connection->closing)
		connection_pump(connection, slice_from(bytes, (size_t)count));
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
	struct connection *connection = argument;

	(void)fd;
	(void)what;
	switch (connection->stage) {
	case STAGE_PROXY:
		connection_read_proxy_header(connection);
		break;
	case STAGE_HANDSHAKE:
		connection_go_on_with_handshake(connection);
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
		connection_go_on_with_handshake(connection);
		return;
	}
	if (connection->read_blocked)
		event_active(&connection->readable, EV_READ, 0);
	if (connection->asked == SMTP_NEED_INPUT)
		connection_pump(connection, buf_slice(&connection->rest));
	else
		connection_settle(connection);
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
		connection_arm_timer(connection);
	} else if (now_ms >= connection->refuse_auth_at_ms) {
		connection_refuse_auth(connection);
	} else if (now_ms < smtp_session_deadline(connection->session)) {
		connection_arm_timer(connection);
	} else if (connection->asked == SMTP_DELAY) {
		smtp_session_resume(connection->session, now_ms);
		connection_resume(connection);
	} else {
		smtp_session_timeout(connection->session, now_ms);
		connection_pump(connection, SLICE_NONE);
	}
}

/* -- life cycle -- */

void connection_events_init(struct connection *connection)
{
	struct event_base *base = connection->shared->base;
	int fd = connection->transport.fd;

	connection->timer_at_ms = INT64_MAX;
	event_assign(&connection->readable, base, fd, EV_READ | EV_PERSIST, on_readable,
		     connection);
	event_assign(&connection->writable, base, fd, EV_WRITE, on_writable, connection);
	event_assign(&connection->timer, base, -1, 0, on_timer, connection);
}

void connection_events_done(struct connection *connection)
{
	event_del(&connection->readable);
	event_del(&connection->writable);
	event_del(&connection->timer);
}
