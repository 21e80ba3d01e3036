/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/timestamp.h"
#include "ingest/connection.h"

/* Connections taken at one go, so that a flood of them does not starve those there are. */
#define ACCEPT_BURST 64
/* How long accepting rests where descriptors or memory have run out. */
#define ACCEPT_PAUSE_MS 100
/* How often it looks how full the service is. */
#define STRESS_CHECK_MS 1000

struct listener {
	struct server *server;
	struct listener *next;
	struct listener_options options;
	int fd; /* -1: closed */
	struct event acceptable;
};

struct server {
	struct connection_shared shared;
	struct listener *listeners;
	struct event pause_timer;
	bool pause_logged; /* since the last connection */
	int fd_limit;      /* descriptors from here on are kept for others */
	struct admission admission;
	struct event stress_timer;
	/* Connections that there can be; fewer than slots once descriptors ran out. */
	unsigned capacity;

	/* A connection's id is serial * slot_count + slot. */
	struct connection **slots;
	struct peer_ticket *tickets; /* of the connections in the slots */
	unsigned slot_count;
	unsigned *free_slots; /* a stack */
	unsigned free_count;
	uint64_t serial;

	bool stopping;
	void (*on_idle)(void *context);
	void *idle_context;
};

static void on_closed(struct connection_shared *shared, connection_id id);
static void on_acceptable(evutil_socket_t fd, short what, void *argument);
static void on_pause_over(evutil_socket_t fd, short what, void *argument);
static void on_stress_check(evutil_socket_t fd, short what, void *argument);
static bool on_client(struct connection_shared *shared, connection_id id, struct slice peer);

/* Few descriptors leave few to reserve: at most a quarter of them. */
static int usable_fds(void)
{
	struct rlimit limit;
	rlim_t reserved = LIMIT_RESERVED_FDS;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT32_MAX)
		return INT32_MAX;
	if (reserved > limit.rlim_cur / 4)
		reserved = limit.rlim_cur / 4;
	return (int)(limit.rlim_cur - reserved);
}

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (memory == NULL)
		abort();
	return memory;
}

struct server *server_new(struct event_base *base, const struct server_options *options,
			  const struct smtp_service *service)
{
	struct server *server = allocate(1, sizeof(*server));

	assert(options->max_connections > 0);
	server->shared = (struct connection_shared){
		.base = base,
		.tls = options->tls,
		.transcript = options->transcript,
		.service = *service,
		.output_ms = options->output_ms > 0 ? options->output_ms : LIMIT_OUTPUT_MS,
		.auth_delay_ms = options->auth_delay_ms,
		.read_buffer = allocate(1, CONNECTION_READ_SIZE),
		.refusals = admission_refusals(&options->admission),
		.in_flight = options->in_flight,
		.on_client = on_client,
		.on_closed = on_closed,
	};
	server->fd_limit = usable_fds();
	server->admission = options->admission;
	server->slot_count = server->capacity = options->max_connections;
	server->tickets = allocate(server->slot_count, sizeof(struct peer_ticket));
	server->slots = allocate(server->slot_count, sizeof(struct connection *));
	server->free_slots = allocate(server->slot_count, sizeof(unsigned));
	for (unsigned i = 0; i < server->slot_count; i++)
		server->free_slots[server->free_count++] = i;
	event_assign(&server->pause_timer, base, -1, 0, on_pause_over, server);
	event_assign(&server->stress_timer, base, -1, EV_PERSIST, on_stress_check, server);
	event_add(&server->stress_timer, &(struct timeval){ .tv_sec = STRESS_CHECK_MS / 1000 });
	return server;
}

unsigned server_connection_count(const struct server *server)
{
	return server->slot_count - server->free_count;
}

/* Their options live on for the connections that came by them. */
static void close_listeners(struct server *server)
{
	for (struct listener *listener = server->listeners; listener; listener = listener->next) {
		if (listener->fd < 0)
			continue;
		event_del(&listener->acceptable);
		close(listener->fd);
		listener->fd = -1;
	}
	event_del(&server->pause_timer);
}

static void free_listeners(struct server *server)
{
	struct listener *next;

	for (struct listener *listener = server->listeners; listener != NULL; listener = next) {
		next = listener->next;
		free(listener);
	}
}

void server_free(struct server *server)
{
	if (server == NULL)
		return;
	server->on_idle = NULL;
	close_listeners(server);
	for (unsigned i = 0; i < server->slot_count; i++)
		if (server->slots[i] != NULL)
			connection_close(server->slots[i]);
	free_listeners(server);
	event_del(&server->stress_timer);
	free(server->slots);
	free(server->tickets);
	free(server->free_slots);
	free(server->shared.read_buffer);
	free(server);
}

/* -- accepting -- */

void server_listen(struct server *server, int fd, const struct listener_options *options)
{
	struct listener *listener = allocate(1, sizeof(*listener));
	int on = 1;

	assert((!options->implicit_tls && !options->smtp.starttls) ||
	       (server->shared.tls != NULL && tls_loaded(server->shared.tls)));
	listener->server = server;
	listener->options = *options;
	listener->options.smtp.refusals = server->shared.refusals;
	listener->options.smtp.in_flight = server->shared.in_flight;
	listener->fd = fd;
	listener->next = server->listeners;
	server->listeners = listener;
	/* Accepted sockets inherit it; a UNIX socket has no such option and needs none. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	event_assign(&listener->acceptable, server->shared.base, fd, EV_READ | EV_PERSIST,
		     on_acceptable, listener);
	event_add(&listener->acceptable, NULL);
}

static void check_stress(struct server *server)
{
	unsigned connections = server_connection_count(server);

	if (!admission_update(&server->admission, connections, server->capacity))
		return;
	server->shared.stressed = server->admission.stressed;
	if (!server->shared.stressed)
		server->capacity = server->slot_count; /* until descriptors run out again */
	log_event(LOG_WARNING, server->shared.stressed ? "nearly_full" : "no_longer_nearly_full",
		  LOG_INT("connections", connections));
	for (unsigned i = 0; i < server->slot_count; i++)
		if (server->slots[i] != NULL)
			connection_stress_changed(server->slots[i]);
}

static void on_stress_check(evutil_socket_t fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	check_stress(argument);
}

/* Descriptors ran out: what there are now is what there can be. */
static void learn_capacity(struct server *server)
{
	unsigned connections = server_connection_count(server);

	server->capacity = connections > 0 ? connections : 1;
}

static void pause_accepting(struct server *server)
{
	learn_capacity(server);
	if (!server->pause_logged)
		log_event(LOG_WARNING, "accept_paused", LOG_STR("error", strerror(errno)),
			  LOG_INT("connections", server_connection_count(server)));
	server->pause_logged = true;
	for (struct listener *listener = server->listeners; listener; listener = listener->next)
		event_del(&listener->acceptable);
	event_add(&server->pause_timer, &(struct timeval){ .tv_usec = ACCEPT_PAUSE_MS * 1000 });
}

static void on_pause_over(evutil_socket_t fd, short what, void *argument)
{
	struct server *server = argument;

	(void)fd;
	(void)what;
	for (struct listener *listener = server->listeners; listener; listener = listener->next)
		event_add(&listener->acceptable, NULL);
}

/* The address as text; IPv4 within IPv6 as IPv4. */
static struct slice format_peer(const struct sockaddr_storage *peer, char text[INET6_ADDRSTRLEN])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;

	text[0] = '\0';
	if (peer->ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, text, INET6_ADDRSTRLEN);
	else if (peer->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text, INET6_ADDRSTRLEN);
	else if (peer->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, text, INET6_ADDRSTRLEN);
	return slice_from_cstr(text);
}

static void refuse(const struct listener *listener, int fd)
{
	static const char reply[] = "421 4.7.0 Too many connections\r\n";

	if (!listener->options.implicit_tls)
		(void)!send(fd, reply, sizeof(reply) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static bool has_room(struct server *server, int fd)
{
	bool few_fds = fd >= server->fd_limit;

	if (few_fds)
		learn_capacity(server);
	else if (server->free_count > 0)
		return true;
	refusal_add(server->shared.refusals, few_fds ? REFUSED_DESCRIPTORS : REFUSED_CONNECTIONS);
	return false;
}

static struct connection *find(const struct server *server, connection_id id)
{
	struct connection *connection = server->slots[id % server->slot_count];

	return connection != NULL && connection_get_id(connection) == id ? connection : NULL;
}

bool server_screens(struct server *server, connection_id id, struct ip_address *ret_client)
{
	const struct connection *connection = find(server, id);

	return connection != NULL && connection_listener(connection)->screened &&
	       admission_is_limited(&server->admission, connection_peer(connection), ret_client);
}

/* It is known now who the client is. */
static void announce(struct server *server, connection_id id)
{
	const struct smtp_service *service = &server->shared.service;
	struct ip_address client;

	if (service->client != NULL && server_screens(server, id, &client))
		service->client(service->context, id);
}

static void admit(const struct listener *listener, int fd, const struct sockaddr_storage *peer)
{
	struct server *server = listener->server;
	char text[INET6_ADDRSTRLEN];
	struct slice address = format_peer(peer, text);
	bool proxy = connection_is_of_proxy(&listener->options, address);
	struct peer_ticket ticket;

	if (!has_room(server, fd) ||
	    !admission_open(&server->admission, address, proxy, time_monotonic_ms(), &ticket)) {
		refuse(listener, fd);
		return;
	}
	unsigned slot = server->free_slots[--server->free_count];
	connection_id id = ++server->serial * server->slot_count + slot;

	server->tickets[slot] = ticket;
	server->slots[slot] = connection_new(&server->shared, &listener->options, id, fd, address);
	if (!proxy)
		announce(server, id);
	connection_start(server->slots[slot]);
}

static void on_acceptable(evutil_socket_t fd, short what, void *argument)
{
	const struct listener *listener = argument;
	struct server *server = listener->server;

	(void)what;
	for (int i = 0; i < ACCEPT_BURST; i++) {
		struct sockaddr_storage peer;
		socklen_t peer_len = sizeof(peer);
		int client = accept4(fd, (struct sockaddr *)&peer, &peer_len,
				     SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (client >= 0) {
			server->pause_logged = false;
			admit(listener, client, &peer);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			break;
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			pause_accepting(server);
			break;
		}
		/* Any other error is that of one client, gone already (accept(2)). */
	}
	check_stress(server);
}

/* -- connections -- */

static bool on_client(struct connection_shared *shared, connection_id id, struct slice peer)
{
	struct server *server = (struct server *)shared;

	if (!admission_claim(&server->admission, peer, time_monotonic_ms(),
			     &server->tickets[id % server->slot_count]))
		return false;
	announce(server, id);
	return true;
}

static void on_closed(struct connection_shared *shared, connection_id id)
{
	struct server *server = (struct server *)shared;
	unsigned slot = (unsigned)(id % server->slot_count);

	server->slots[slot] = NULL;
	admission_close(&server->admission, &server->tickets[slot]);
	server->free_slots[server->free_count++] = slot;
	if (server->stopping && server->free_count == server->slot_count && server->on_idle != NULL)
		server->on_idle(server->idle_context);
}

void server_answer(struct server *server, connection_id id, const struct smtp_reply *reply)
{
	struct connection *connection = find(server, id);

	if (connection != NULL)
		connection_answer(connection, reply);
}

void server_answer_rcpt(struct server *server, connection_id id, const struct smtp_reply *reply,
			const struct inbound_recipient *recipient)
{
	struct connection *connection = find(server, id);

	if (connection != NULL)
		connection_answer_rcpt(connection, reply, recipient);
}

struct slice server_peer(struct server *server, connection_id id)
{
	const struct connection *connection = find(server, id);

	return connection != NULL ? connection_peer(connection) : SLICE_NONE;
}

void server_answer_auth(struct server *server, connection_id id, enum auth_outcome outcome,
			uint64_t account_id)
{
	struct connection *connection = find(server, id);

	if (connection != NULL)
		connection_answer_auth(connection, outcome, account_id);
}

void server_shutdown(struct server *server, void (*on_idle)(void *context), void *context)
{
	server->stopping = false;
	for (unsigned i = 0; i < server->slot_count; i++)
		if (server->slots[i] != NULL)
			connection_shutdown(server->slots[i]);
	server_retire(server, on_idle, context);
}

void server_retire(struct server *server, void (*on_idle)(void *context), void *context)
{
	close_listeners(server);
	server->stopping = true;
	server->on_idle = on_idle;
	server->idle_context = context;
	if (server_connection_count(server) == 0)
		on_idle(context);
}
