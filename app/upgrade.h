/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An upgrade without a refused connection: the supervisor executes the new program in its own place
 * (same process id), which so becomes the parent of the processes that run, and gets
 *
 *	- the listening sockets, as sd_listen_fds(3) has it, named "smtp.0" for slot 0 or "http";
 *	- BOUNCED_MASTER_KEY_FILE: a descriptor with the key, since the file may be root's alone;
 *	- BOUNCED_UPGRADE: the descriptors of the handover pair and of the key, then the
 *	  processes to retire;
 *	- BOUNCED_UPGRADE_LIMITS: the descriptor of the table of limits (ingest/peer_limits.h).
 *
 * The new program is asked first whether it would start (`serve --check`).
 */
#ifndef BOUNCED_APP_UPGRADE_H
#define BOUNCED_APP_UPGRADE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "app/listeners.h"
#include "app/retired.h"

struct upgrade {
	char program[PATH_MAX]; /* as it was found at the start */
	char **argv;            /* of `serve`: argv[0] is that word */
	const uint8_t *master_key;
};

/* What one program leaves to the next. */
struct upgrade_legacy {
	int handover_client;
	int handover_server;
	int limits_fd; /* of the table of limits; -1: none */
	pid_t pids[RETIRED_MAX];
	size_t pid_count;
};

/* What the program before this one left; false when there was none, and no descriptors but -1. The
 * key must have been read. */
bool upgrade_take_legacy(struct upgrade_legacy *ret_legacy);

/* Finds the program's file. To be called at the start, before the file is replaced. */
void upgrade_init(struct upgrade *upgrade, char **argv, const uint8_t *master_key);
/* Starts the check; its process id, or -1 with errno. */
pid_t upgrade_begin_check(const struct upgrade *upgrade);
/* Returns only where it fails, with errno; all is as before then, but descriptors may have got
 * other numbers. own_fds: the caller's others, which must not be in the way. */
void upgrade_execute(const struct upgrade *upgrade, struct listeners *listeners,
		     struct upgrade_legacy *legacy, int *const *own_fds, size_t own_count);

#endif
