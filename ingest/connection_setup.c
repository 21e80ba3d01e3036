/* SPDX-License-Identifier: Apache-2.0 */
/* Before the session: a proxy's header, TLS, the greeting. */
#include "ingest/connection_state.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

#include <arpa/inet.h>

#include "core/log.h"
#include "core/timestamp.h"
#include "ingest/proxy_protocol.h"

static const struct smtp_reply too_many_connections =
	SMTP_REPLY(421, "4.7.0", "Too many connections");

static void greet(struct connection *connection)
{
	/* What is there before the greeting is shown to the session. */
	char *bytes = connection->shared->read_buffer;
	ssize_t count = transport_read(&connection->transport, bytes, CONNECTION_READ_SIZE);

	connection->greeted = true;
	if (count == TRANSPORT_OVER)
		connection_close(connection);
	else
		connection_pump(connection, slice_from(bytes, (size_t)count));
}

static int64_t setup_ms(const struct connection *connection)
{
	const struct smtp_settings *settings = &connection->listener->smtp;
	bool hurry =
		connection->shared->stressed && settings->stress_command_ms < settings->command_ms;

	return hurry ? settings->stress_command_ms : settings->command_ms;
}

static void begin_setup(struct connection *connection, enum connection_stage stage)
{
	connection->stage = stage;
	connection->setup_deadline_ms = time_monotonic_ms() + setup_ms(connection);
	connection_set_reading(connection, true);
}

void connection_go_on_with_handshake(struct connection *connection)
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
		connection_arm_timer(connection);
		return;
	}
	connection->stage = STAGE_SESSION;
	connection->setup_deadline_ms = INT64_MAX;
	connection->asked = SMTP_NEED_INPUT;
	smtp_session_tls_started(connection->session, transport_tls_version(transport),
				 time_monotonic_ms());
	if (connection->greeted)
		connection_pump(connection, SLICE_NONE);
	else
		greet(connection);
}

void connection_begin_handshake(struct connection *connection)
{
	/* The session refuses bytes that come together with STARTTLS; later ones are TLS's. */
	assert(connection->rest.len == 0);
	transport_start_tls(&connection->transport, tls_accept(connection->shared->tls));
	begin_setup(connection, STAGE_HANDSHAKE);
	connection_go_on_with_handshake(connection);
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
		connection_begin_handshake(connection);
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
void connection_read_proxy_header(struct connection *connection)
{
	struct buf *head = &connection->rest;
	char *at = buf_reserve(head, PROXY_HEADER_MAX - head->len);
	struct proxy_header header = { 0 };
	ssize_t peeked = recv(connection->transport.fd, at, PROXY_HEADER_MAX - head->len, MSG_PEEK);

	if (peeked < 0 && (errno == EAGAIN || errno == EINTR)) {
		connection_arm_timer(connection);
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
		connection_arm_timer(connection);
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
	connection_read_proxy_header(connection);
}
