/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When which job is due. Pure: the time (monotonic ms) is an input. Intervals count from the end of
 * a run, so that a slow job never follows itself at once.
 */
#ifndef BOUNCED_APP_JOBS_SCHEDULE_H
#define BOUNCED_APP_JOBS_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#define SCHEDULE_JOBS_MAX 16
/* A job that failed is tried again after its interval, and after this if that is longer. */
#define SCHEDULE_RETRY_MS 10000

enum job_outcome {
	JOB_DONE,
	JOB_MORE,   /* there is more of the same: again at once, but after what else is due */
	JOB_FAILED, /* it has said why */
};

struct jobs;
/* unix_ms: now. Does a bounded piece of work. */
typedef enum job_outcome job_run(struct jobs *jobs, int64_t unix_ms);

struct job {
	const char *name;
	int64_t interval_ms;
	job_run *run;
};

struct schedule {
	const struct job *jobs; /* borrowed */
	size_t count;
	int64_t due_at[SCHEDULE_JOBS_MAX];
};

/* Every job is due at `now`, in the order of the table. count: at least one. */
void schedule_init(struct schedule *schedule, const struct job *jobs, size_t count, int64_t now);
/* The job that is due first, and when: past or future. */
size_t schedule_next(const struct schedule *schedule, int64_t *ret_due_at);
/* It ran, and ended at `now`. */
void schedule_ran(struct schedule *schedule, size_t job, enum job_outcome outcome, int64_t now);

#endif
