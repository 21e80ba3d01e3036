/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the supervisor gives each process that it forks, and the contract of such a process.
 *
 * A process's main function starts with default signal handling, nothing blocked, SIGPIPE ignored,
 * and log_init() done. It returns its exit status: 0 after SIGTERM or SIGINT and a drain, 1 when it
 * cannot work (it is then started again, with back-off). After SIGUSR1 another process has taken
 * its place: it accepts no more, serves the connections that it has until they end, and then
 * returns 0. SIGHUP is ignored. When the supervisor dies, the kernel kills the process.
 */
#ifndef BOUNCED_APP_PROCESS_H
#define BOUNCED_APP_PROCESS_H

#include <stdint.h>

#include "app/listeners.h"
#include "app/settings.h"
#include "core/config.h"
#include "ingest/peer_limits.h"

struct process_context {
	const struct config *config;
	const struct settings_files *files;
	const uint8_t *master_key; /* SECRETBOX_KEY_LEN bytes */
	const char *trace_peer;    /* whose sessions are written to smtp.transcript; NULL: none */
	unsigned slot;
	/* Shared by all processes; NULL where there is no ingest. */
	struct peer_limits *limits;
	unsigned seat; /* on which an ingest process counts in it */
	/* The process owns copies of the sockets that are for it, and has no others. The supervisor
	 * keeps them as well, so that a crash loses no backlog. */
	const struct listeners *listeners;
	/* app/handover.h: an ingest process accepts on it, the api process connects through it; -1
	 * in an api process that runs without ingest, and in jobs. The process owns its copy. */
	int handover_fd;
};

/* app/ingest_process.h, api_process.h and jobs_process.h declare theirs by this type. */
typedef int process_main(const struct process_context *context);

#endif
