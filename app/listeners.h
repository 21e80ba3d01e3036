/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's listening sockets, opened by the supervisor before it drops its privileges: bound
 * as the configuration says, or passed under the listener's name (sd_listen_fds(3)), by systemd or
 * by the program before this one. The supervisor keeps all of them while it runs; a process serves
 * those that are for it.
 */
#ifndef BOUNCED_APP_LISTENERS_H
#define BOUNCED_APP_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/config.h"

/* The word begins the listener's keys in the configuration. */
#define LISTENERS(X)                  \
	X(SMTP, "smtp")               \
	X(SUBMISSION, "submission")   \
	X(SUBMISSIONS, "submissions") \
	X(LMTP, "lmtp")               \
	X(LMTP_UNIX, "lmtp_unix")     \
	X(HTTP, "http")

enum listener {
#define X(name, word) LISTENER_##name,
	LISTENERS(X)
#undef X
		LISTENER_COUNT
};

#define LISTENER_ALL_SLOTS   (-1)
#define LISTENER_SOCKETS_MAX 512
/* The first descriptor that sd_listen_fds(3) passes. */
#define LISTENERS_PASSED_FIRST 3

struct listener_socket {
	enum listener listener;
	int slot; /* of the one ingest process that serves it, or LISTENER_ALL_SLOTS */
	int fd;   /* listening, non-blocking, close-on-exec */
};

struct listeners {
	struct listener_socket sockets[LISTENER_SOCKETS_MAX];
	size_t count;
};

/* Which parts of the service there will be. */
struct listeners_wanted {
	size_t ingest_slots; /* 0: no ingest */
	bool api;
};

/* false: `error` says why, and nothing is open. Forgets what systemd passed, once it is taken. */
bool listeners_open(const struct config *config, struct listeners_wanted wanted,
		    struct listeners *ret_listeners, char *error, size_t error_size);
void listeners_close(struct listeners *listeners);
/* The name by which the socket is passed on: "smtp.0" where it is for one slot, else "http". */
void listener_socket_name(const struct listener_socket *socket, char *ret_name, size_t size);

const char *listener_word(enum listener listener);
/* The listener's part of the configuration; not of LISTENER_HTTP. */
const struct config_listener *listener_config(const struct config *config, enum listener listener);
/* The configuration has it; a socket that is passed stands for it as well. */
bool listener_wanted(const struct config *config, enum listener listener);
/* Whether the ingest process of that slot serves the socket. */
bool listener_is_of_ingest(const struct listener_socket *socket, unsigned slot);

#endif
