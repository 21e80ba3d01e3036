/* SPDX-License-Identifier: Apache-2.0 */
#include "app/jobs/schedule.h"

#include <assert.h>

void schedule_init(struct schedule *schedule, const struct job *jobs, size_t count, int64_t now)
{
	assert(count > 0 && count <= SCHEDULE_JOBS_MAX);
	schedule->jobs = jobs;
	schedule->count = count;
	for (size_t i = 0; i < count; i++)
		schedule->due_at[i] = now;
}

size_t schedule_next(const struct schedule *schedule, int64_t *ret_due_at)
{
	size_t first = 0;

	for (size_t i = 1; i < schedule->count; i++)
		if (schedule->due_at[i] < schedule->due_at[first])
			first = i;
	*ret_due_at = schedule->due_at[first];
	return first;
}

static int64_t pause_after(int64_t interval, enum job_outcome outcome)
{
	switch (outcome) {
	case JOB_DONE:
		return interval;
	case JOB_MORE:
		/* A millisecond behind whatever became due meanwhile. */
		return 1;
	case JOB_FAILED:
		break;
	}
	return interval < SCHEDULE_RETRY_MS ? interval : SCHEDULE_RETRY_MS;
}

void schedule_ran(struct schedule *schedule, size_t job, enum job_outcome outcome, int64_t now)
{
	schedule->due_at[job] = now + pause_after(schedule->jobs[job].interval_ms, outcome);
}
