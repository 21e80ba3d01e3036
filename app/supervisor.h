/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent of the service's processes: binds the sockets, drops privileges, forks ingest × N,
 * api × 1 and jobs × 1, starts again what ends, logs on SIGUSR1 whom it refused, and on SIGTERM or
 * SIGINT lets all of them finish what is in flight, for SUPERVISOR_DRAIN_MS at most.
 *
 * SIGHUP: reads the settings again, and starts a new process for each with them; the old ones
 * accept no more and end with their last connection (app/retired.h). Bad settings change nothing.
 * SIGUSR2: the same with the program itself (app/upgrade.h).
 *
 * It keeps every listening socket open while it runs, so that the death of a process loses no
 * connection that waits in its backlog. It touches no message and no database.
 */
#ifndef BOUNCED_APP_SUPERVISOR_H
#define BOUNCED_APP_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "app/settings.h"

#define SUPERVISOR_DRAIN_MS 30000

struct supervisor_options {
	struct settings *settings; /* moves to the supervisor */
	const char *config_path;   /* where they came from: as of config_load() */
	char **argv;               /* of `serve` */
	const uint8_t *master_key; /* SECRETBOX_KEY_LEN bytes */
	const char *trace_peer;    /* whose sessions are written to smtp.transcript; NULL: none */
	bool ingest;               /* which roles to run, at least one */
	bool api;
	bool jobs;
	/* Asked once, with privileges dropped and before the first fork; false: do not start. It
	 * has said why. */
	bool (*may_start)(void *context);
	void *context;
};

/* Runs until it is told to stop. Returns the exit code: COMMAND_OK after a clean stop,
 * COMMAND_FAILED when it could not start or had to kill a process that did not finish. Logs why. */
int supervisor_run(const struct supervisor_options *options);

#endif
