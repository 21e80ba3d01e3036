/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/auth.h"
#include "api/gate.h"
#include "api/problem.h"
#include "api/router.h"
#include "api/watchdog.h"
#include "core/encoding.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/timestamp.h"

/* A refused body of this size is read and thrown away: closing on unread bytes resets the
 * connection, and the client would not see the answer. */
#define DRAIN_MAX   65536
#define HEADERS_MAX 128
#define ANY_SCOPE   (API_SCOPE_READ | API_SCOPE_WRITE | API_SCOPE_INGEST | API_SCOPE_ADMIN)
/* How long stop waits for requests under way. */
#define STOP_MS 10000
/* Who takes an answer more slowly is cut off. */
#define ANSWER_BYTES_PER_MS 16

struct api_server {
	struct MHD_Daemon *daemon;
	struct api_options options;
	struct throttle *failures;
	struct watchdog *watchdog;
	int64_t idle_ms;              /* what a head, or the first byte of a body, may take */
	pthread_key_t connection_key; /* each thread's struct pg */
	atomic_uint active;           /* requests under way */
	atomic_bool retired;
};

/* One request and its answer. */
struct exchange {
	struct api_server *server;
	struct arena *arena;
	struct request request;
	struct response response;
	struct call call;
	const struct route *route; /* NULL: refused before there was one */
	bool begun;                /* the head has been looked at */
	bool refused; /* the answer is written; what is left of the body is thrown away */
	struct buf body;
	uint64_t received;
	struct watch *watch; /* of the connection */
	int64_t begun_at;    /* monotonic */
};

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct api_server *server = context;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*socket_context = watchdog_add(server->watchdog, info->connect_fd,
					       time_monotonic_ms() + server->idle_ms);
	else
		watchdog_remove(server->watchdog, *socket_context);
}

static void deadline_set(struct exchange *exchange, int64_t deadline)
{
	watchdog_set(exchange->server->watchdog, exchange->watch, deadline);
}

static struct pg *thread_pg(struct api_server *server)
{
	struct pg *pg = pthread_getspecific(server->connection_key);

	if (!pg) {
		pg = pg_new(server->options.dsn, LIMIT_HTTP_STATEMENT_MS);
		pthread_setspecific(server->connection_key, pg);
	}
	return pg;
}

static void thread_pg_free(void *pg)
{
	pg_free(pg);
}

static struct slice peer_text(struct MHD_Connection *connection, struct arena *arena)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;
	char *text = arena_alloc(arena, INET6_ADDRSTRLEN);

	if (address && address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr,
			  text, INET6_ADDRSTRLEN);
	else if (address && address->sa_family == AF_INET6)
		inet_ntop(AF_INET6,
			  &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, text,
			  INET6_ADDRSTRLEN);
	return slice_from_cstr(text);
}

static struct slice request_id(struct arena *arena)
{
	uint8_t bytes[8];
	char *text = arena_alloc(arena, HEX_LEN(sizeof(bytes)) + 1);

	random_bytes(bytes, sizeof(bytes));
	return slice_from(text, hex_encode(bytes, sizeof(bytes), text));
}

/* The request line has been read. What is returned comes back as *context of the calls below. */
static void *on_request_line(void *context, const char *uri, struct MHD_Connection *connection)
{
	struct api_server *server = context;
	struct arena *arena = arena_new(0);
	struct exchange *exchange = ARENA_NEW(arena, struct exchange);

	*exchange = (struct exchange){ .server = server, .arena = arena };
	exchange->request.id = request_id(arena);
	exchange->request.peer = peer_text(connection, arena);
	exchange->request.received_at = time_now_ms();
	/* NULL for a request line without target; kept as sent, unlike what the library hands on */
	exchange->request.target = arena_copy(arena, slice_from_cstr(uri));
	exchange->watch = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
				  ->socket_context;
	exchange->begun_at = time_monotonic_ms();
	response_init(&exchange->response);
	buf_init(&exchange->body, 0);
	atomic_fetch_add(&server->active, 1);
	return exchange;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request_context,
			 enum MHD_RequestTerminationCode reason)
{
	struct api_server *server = context;
	struct exchange *exchange = *request_context;

	(void)connection;
	(void)reason;
	if (!exchange)
		return;
	*request_context = NULL;
	deadline_set(exchange, time_monotonic_ms() + server->idle_ms);
	response_done(&exchange->response);
	buf_done(&exchange->body);
	arena_free(exchange->arena);
	atomic_fetch_sub(&server->active, 1);
}

static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *name,
				 size_t name_len, const char *value, size_t value_len)
{
	struct request *request = context;

	(void)kind;
	if (request->header_count == HEADERS_MAX)
		return MHD_NO;
	request->headers[request->header_count++] =
		(struct http_header){ slice_from(name, name_len), slice_from(value, value_len) };
	return MHD_YES;
}

/* false: more than we look at, so that the gate cannot vouch for them. */
static bool headers_read(struct exchange *exchange, struct MHD_Connection *connection)
{
	int total = MHD_get_connection_values_n(connection, MHD_HEADER_KIND, NULL, NULL);

	exchange->request.headers = ARENA_ARRAY(exchange->arena, struct http_header, HEADERS_MAX);
	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, on_header, &exchange->request);
	return total >= 0 && (size_t)total == exchange->request.header_count;
}

static struct MHD_Response *response_make(struct exchange *exchange)
{
	struct response *response = &exchange->response;
	struct MHD_Response *made;

	if (response->body.full) {
		log_event(LOG_ERROR, "http_response_too_large",
			  LOG_SLICE("request", exchange->request.id));
		problem(&exchange->call, 500, "internal",
			"the answer is larger than this can send");
	}
	if (response->body.len == 0)
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	made = MHD_create_response_from_buffer(response->body.len, response->body.data,
					       MHD_RESPMEM_MUST_FREE);
	if (made)
		buf_init(&response->body, 0); /* the memory is the library's now */
	return made;
}

static void headers_add(struct MHD_Response *made, const struct exchange *exchange)
{
	static const struct response_header COMMON[] = {
		{ "X-Content-Type-Options", "nosniff" },
		{ "Cache-Control", "no-store" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Content-Security-Policy",
		  "default-src 'none'; frame-ancestors 'none'; sandbox" },
	};
	const struct response *response = &exchange->response;

	for (size_t i = 0; i < sizeof(COMMON) / sizeof(COMMON[0]); i++)
		MHD_add_response_header(made, COMMON[i].name, COMMON[i].value);
	MHD_add_response_header(made, "Request-Id", exchange->request.id.ptr);
	if (response->content_type)
		MHD_add_response_header(made, "Content-Type", response->content_type);
	for (size_t i = 0; i < response->header_count; i++)
		MHD_add_response_header(made, response->headers[i].name,
					response->headers[i].value);
	/* What was refused may have been misread; nothing after it is believed. */
	if (response->status < 200 || response->status > 299 ||
	    atomic_load(&exchange->server->retired))
		MHD_add_response_header(made, "Connection", "close");
}

static enum MHD_Result answer(struct exchange *exchange, struct MHD_Connection *connection)
{
	int64_t send_ms = (int64_t)(exchange->response.body.len / ANSWER_BYTES_PER_MS);
	struct MHD_Response *made = response_make(exchange);
	enum MHD_Result result;

	if (!made)
		return MHD_NO;
	deadline_set(exchange, time_monotonic_ms() + exchange->server->idle_ms + send_ms);
	headers_add(made, exchange);
	result = MHD_queue_response(connection, exchange->response.status, made);
	MHD_destroy_response(made);
	/* The route's pattern, not the path: paths hold addresses. */
	log_event(LOG_INFO, "http_request", LOG_SLICE("request", exchange->request.id),
		  LOG_SLICE("peer", exchange->request.peer),
		  LOG_SLICE("method", slice_head(exchange->request.method_text, 16)),
		  LOG_STR("route", exchange->route ? exchange->route->path : ""),
		  LOG_INT("status", exchange->response.status),
		  LOG_SLICE("key", exchange->call.principal.key_id),
		  LOG_INT("ms", time_monotonic_ms() - exchange->begun_at));
	return result;
}

/* Whether a body of known, small size follows a refused head. */
static bool worth_draining(const struct request *request)
{
	const struct http_header *length = request_header(request, "Content-Length");
	uint64_t bytes;

	return length && slice_to_u64(length->value, &bytes) && bytes > 0 && bytes <= DRAIN_MAX;
}

static enum MHD_Result refuse(struct exchange *exchange, struct MHD_Connection *connection)
{
	exchange->refused = true;
	return worth_draining(&exchange->request) ? MHD_YES : answer(exchange, connection);
}

/* Answered without a key: what the table says, and OPTIONS, with which browsers ask before they
 * have one. */
static bool route_open(const struct route *route, const struct request *request)
{
	return route ? route->scope == 0 : request->method == METHOD_OPTIONS;
}

/* Everything that can be decided before the body. */
static enum MHD_Result on_head(struct exchange *exchange, struct MHD_Connection *connection)
{
	struct api_server *server = exchange->server;
	struct call *call = &exchange->call;
	struct gate_verdict verdict;
	struct slice allow;

	*call = (struct call){
		.options = &server->options,
		.pg = thread_pg(server),
		.arena = exchange->arena,
		.request = &exchange->request,
		.response = &exchange->response,
	};
	if (!headers_read(exchange, connection)) {
		problem(call, 431, "too_many_headers", "more headers than this reads");
		return answer(exchange, connection);
	}
	verdict = gate_check(&exchange->request, exchange->arena);
	if (verdict.status != 0) {
		problem(call, verdict.status, "bad_request", verdict.detail);
		return answer(exchange, connection);
	}
	exchange->route = router_find(&exchange->request, exchange->arena, &allow);
	/* Without a key nobody learns which paths there are. */
	if (!route_open(exchange->route, &exchange->request) &&
	    !auth_check(call, exchange->route ? exchange->route->scope : ANY_SCOPE,
			server->failures))
		return refuse(exchange, connection);
	if (!exchange->route) {
		router_refuse(call, allow);
		return refuse(exchange, connection);
	}
	if (!router_check_head(call, exchange->route))
		return refuse(exchange, connection);
	buf_init(&exchange->body, route_body_max(exchange->route, &server->options));
	deadline_set(exchange, time_monotonic_ms() + server->idle_ms);
	return MHD_YES;
}

/* MHD_NO cuts the connection: its body is far too long to wait for the end. */
static enum MHD_Result on_body(struct exchange *exchange, struct slice data)
{
	exchange->received += data.len;
	deadline_set(exchange,
		     exchange->begun_at + exchange->server->idle_ms +
			     (int64_t)(exchange->received * 1000 / LIMIT_DATA_BYTES_PER_S));
	if (exchange->refused)
		return exchange->received <= DRAIN_MAX ? MHD_YES : MHD_NO;
	/* Past the maximum the buffer stays as it is, and `full` makes it 413 at the end. */
	buf_append(&exchange->body, data);
	return exchange->received <= exchange->body.max + DRAIN_MAX ? MHD_YES : MHD_NO;
}

static enum MHD_Result on_end(struct exchange *exchange, struct MHD_Connection *connection)
{
	struct call *call = &exchange->call;

	if (exchange->refused)
		return answer(exchange, connection);
	deadline_set(exchange, INT64_MAX); /* now it is for us to be quick */
	exchange->request.body = buf_slice(&exchange->body);
	if (exchange->body.full)
		problem(call, 413, "too_large", "the body is larger than this takes");
	else if (slice_empty(exchange->request.body) &&
		 (exchange->route->body == BODY_JSON || exchange->route->body == BODY_MESSAGE))
		problem(call, 400, "missing_body", "this needs a body");
	else
		exchange->route->handle(call);
	return answer(exchange, connection);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *data_len, void **request_context)
{
	struct exchange *exchange = *request_context;

	(void)context;
	(void)url;
	if (!exchange->begun) {
		exchange->begun = true;
		exchange->request.method_text = slice_from_cstr(method);
		exchange->request.method = method_from_text(exchange->request.method_text);
		exchange->request.version = slice_from_cstr(version);
		return on_head(exchange, connection);
	}
	if (*data_len > 0) {
		struct slice piece = slice_from(data, *data_len);

		*data_len = 0;
		return on_body(exchange, piece);
	}
	return on_end(exchange, connection);
}

/* The library must not decode what target.c decodes once. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
	(void)context;
	(void)connection;
	return slice_from_cstr(text).len;
}

static bool daemon_start(struct api_server *server)
{
	const struct api_options *options = &server->options;
	/*
	 * Not STRICT_FOR_CLIENT: of all that the gate checks it would only take away the missing
	 * Host, and the library's own answer to it has its head twice.
	 */
	/* clang-format off */
	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, on_request, server,
		MHD_OPTION_LISTEN_SOCKET, options->listen_fd,
		MHD_OPTION_THREAD_POOL_SIZE, options->threads,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)LIMIT_HTTP_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)((server->idle_ms + 999) / 1000),
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)LIMIT_HTTP_CONNECTION_MEMORY,
		MHD_OPTION_URI_LOG_CALLBACK, on_request_line, server,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
		MHD_OPTION_END);
	/* clang-format on */
	return server->daemon != NULL;
}

static void server_free(struct api_server *server)
{
	watchdog_stop(server->watchdog);
	pthread_key_delete(server->connection_key);
	throttle_free(server->failures);
	free(server);
}

struct api_server *api_server_start(const struct api_options *options)
{
	struct api_server *server = calloc(1, sizeof(*server));

	if (!server)
		abort();
	server->options = *options;
	server->idle_ms = options->timeout_ms ? options->timeout_ms : LIMIT_HTTP_IDLE_MS;
	server->failures = throttle_new(AUTH_FAILURES_PER_MINUTE, 60000);
	server->watchdog = watchdog_start();
	if (pthread_key_create(&server->connection_key, thread_pg_free) != 0)
		abort();
	if (server->watchdog && daemon_start(server))
		return server;
	server_free(server);
	return NULL;
}

void api_server_retire(struct api_server *server)
{
	int listen_fd;

	if (atomic_exchange(&server->retired, true))
		return;
	listen_fd = MHD_quiesce_daemon(server->daemon);
	if (listen_fd >= 0)
		close(listen_fd);
}

unsigned api_server_connections(const struct api_server *server)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info ? info->num_connections : 0;
}

void api_server_stop(struct api_server *server)
{
	int64_t deadline = time_monotonic_ms() + STOP_MS;

	if (!server)
		return;
	api_server_retire(server);
	while (atomic_load(&server->active) > 0 && time_monotonic_ms() < deadline)
		usleep(10000);
	MHD_stop_daemon(server->daemon);
	server_free(server);
}
