/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets, bound by the supervisor before it drops its privileges. */
#ifndef BOUNCED_APP_LISTEN_H
#define BOUNCED_APP_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Binds `count` sockets to one address and port and listens on them, non-blocking, close-on-exec.
 * The kernel shares connections out among them (SO_REUSEPORT), one socket a process. port 0: one
 * that is free, the same for all. The address is numeric, IPv4 or IPv6.
 *
 * false: nothing is open, and `error` says what was wrong. A port that another service listens on
 * is an error even where that service shares its own port.
 */
bool listen_tcp(const char *address, int64_t port, int *ret_fds, size_t count, char *error,
		size_t error_size);
/*
 * A Unix socket at that path, for all processes to share; what an earlier run left there is
 * removed. It belongs to `user` where we are root and that is not empty. -1: `error` says what was
 * wrong.
 */
int listen_unix(const char *path, mode_t mode, const char *user, char *error, size_t error_size);
/* The port that a listening socket has got. */
int listen_port(int fd);

#endif
