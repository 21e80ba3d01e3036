/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server: a pool of threads, each with a database connection of its own. server.c is the
 * only file that knows the HTTP library.
 */
#ifndef BOUNCED_API_SERVER_H
#define BOUNCED_API_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "api/cursor.h"
#include "api/service.h"
#include "core/slice.h"

struct api_options {
	int listen_fd; /* bound, listening, non-blocking; moves to the server */
	unsigned threads;
	const char *dsn;     /* of role bounced_api; borrowed until stop */
	size_t message_max;  /* of POST /v1/reports and /v1/parse; 0: LIMIT_MESSAGE_SIZE */
	unsigned timeout_ms; /* for a head, and for a connection that stands still; 0: default */
	uint8_t cursor_key[CURSOR_KEY_LEN]; /* the same on every host behind one address */
	/* Where one-click unsubscribes are posted to, "https://…/u/"; empty: mailto only. Borrowed.
	 */
	struct slice unsubscribe_url;
	const struct api_service *service; /* borrowed until stop */
};

struct api_server;

/* Starts the threads. NULL where that fails (errno says why). */
struct api_server *api_server_start(const struct api_options *options);
/* Stops accepting; each connection is served until it ends, which the answers ask for. */
void api_server_retire(struct api_server *server);
unsigned api_server_connections(const struct api_server *server);
/* Stops accepting, lets the requests under way finish, joins the threads. NULL is fine. */
void api_server_stop(struct api_server *server);

#endif
