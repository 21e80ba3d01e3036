/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the supervisor share: app/supervisor.c sets it up and runs it,
 * supervisor_children.c starts and reaps its processes, supervisor_succession.c replaces them.
 */
#ifndef BOUNCED_APP_SUPERVISOR_STATE_H
#define BOUNCED_APP_SUPERVISOR_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "app/backoff.h"
#include "app/listeners.h"
#include "app/process.h"
#include "app/refusal_log.h"
#include "app/retired.h"
#include "app/settings.h"
#include "app/upgrade.h"

#define SUPERVISOR_INGEST_MAX 64
/* Beside ingest: api and jobs. */
#define SUPERVISOR_CHILDREN_MAX (SUPERVISOR_INGEST_MAX + 2)

struct child {
	const char *role;
	process_main *main;
	struct process_context context;
	pid_t pid; /* 0: not running */
	int64_t started_at;
	int64_t restart_at; /* INT64_MAX: not to be started */
	struct backoff backoff;
	unsigned restarts;
};

struct supervisor {
	struct settings *settings;
	/* As the start has read it: what it says of sockets, processes and user still holds. */
	struct config started_with;
	struct arena *started_arena;
	const char *config_path;
	struct child children[SUPERVISOR_CHILDREN_MAX];
	size_t child_count;
	struct retired retired;
	struct upgrade upgrade;
	pid_t upgrade_check; /* 0: none is under way */
	struct upgrade_legacy legacy;
	struct listeners listeners;
	struct refusal_log refusal_log;
	int limits_fd; /* of the limits that it writes about; -1: there are none */
	int signal_fd;
	int handover_client;
	int handover_server;
	bool stopping;
	int64_t kill_at;
	bool killed;
};

#endif
