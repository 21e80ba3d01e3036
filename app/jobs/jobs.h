/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jobs, one a file, and what they share. Each run does a bounded piece of work in short
 * transactions of its own, so that a process which is killed leaves nothing half done, and any
 * number of processes may run the same jobs against one database. A job blocks.
 */
#ifndef BOUNCED_APP_JOBS_JOBS_H
#define BOUNCED_APP_JOBS_JOBS_H

#include <stdbool.h>

#include "app/jobs/schedule.h"
#include "app/process.h"
#include "core/err.h"
#include "store/pg.h"

/* The server ends what takes longer; less than the supervisor gives a process to end. */
#define JOBS_STATEMENT_MS 15000

struct jobs {
	const struct process_context *context;
	struct pg *pg;
	bool failing; /* the log has it */
};

/* Makes partitions ahead, and drops those past their retention. */
job_run job_partitions;
/* Deletes keys, tombstones and roll-ups that are past their retention. */
job_run job_retention;
/* Takes suppressions off the list whose time has ended. */
job_run job_expiry;

/* Authenticates again what could not be authenticated when it came. */
job_run job_authentication;
/* Tells of legacy patterns that are about to end. */
job_run job_legacy_patterns;

/* Logs why a job cannot go on, once until one can. JOB_FAILED. */
enum job_outcome job_failed(struct jobs *jobs, const char *job);
/* The process is to end, so that a job with many things to do leaves the rest to the next one. */
bool job_should_end(void);

#endif
