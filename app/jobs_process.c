/* SPDX-License-Identifier: Apache-2.0 */
#include "app/jobs_process.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "app/jobs/jobs.h"
#include "app/setup.h"
#include "core/log.h"
#include "core/timestamp.h"

enum job_outcome job_failed(struct jobs *jobs, const char *job)
{
	if (!jobs->failing)
		log_event(LOG_WARNING, "job_failed", LOG_STR("job", job),
			  LOG_STR("error", pg_error(jobs->pg)));
	jobs->failing = true;
	return JOB_FAILED;
}

bool job_should_end(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 &&
	       (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1 ||
		sigismember(&pending, SIGUSR1) == 1);
}

/* true: told to end while it waited, at the latest until then. The signals are blocked, so that
 * none is lost while a job runs. */
static bool wait_until(const sigset_t *signals, int64_t due_at)
{
	int64_t left = due_at - time_monotonic_ms();
	struct timespec timeout = { 0, 0 };

	if (left > 0)
		timeout = (struct timespec){ left / 1000, left % 1000 * 1000000 };
	return sigtimedwait(signals, NULL, &timeout) > 0;
}

/* Who is told to end, or has been replaced, ends with the run that is under way. */
static void run_jobs(struct jobs *jobs, struct schedule *schedule, const sigset_t *signals)
{
	int64_t due_at;

	for (;;) {
		size_t next = schedule_next(schedule, &due_at);

		if (wait_until(signals, due_at))
			return;
		if (time_monotonic_ms() < due_at)
			continue;
		enum job_outcome outcome = schedule->jobs[next].run(jobs, time_now_ms());

		jobs->failing = jobs->failing && outcome == JOB_FAILED;
		schedule_ran(schedule, next, outcome, time_monotonic_ms());
	}
}

int jobs_process_main(const struct process_context *context)
{
	const struct config *config = context->config;
	const struct job table[] = {
		{ "authentication", config->jobs_interval_ms, job_authentication },
		{ "expiry", config->jobs_interval_ms, job_expiry },
		{ "partitions", config->jobs_maintenance_interval_ms, job_partitions },
		{ "legacy_patterns", TIME_DAY_MS, job_legacy_patterns },
		{ "retention", config->jobs_maintenance_interval_ms, job_retention },
	};
	struct jobs jobs = {
		.context = context,
		.pg = pg_new(setup_dsn(config, config->database_jobs_dsn), JOBS_STATEMENT_MS),
	};
	struct schedule schedule;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);

	schedule_init(&schedule, table, sizeof(table) / sizeof(table[0]), time_monotonic_ms());
	log_event(LOG_INFO, "jobs_started");
	run_jobs(&jobs, &schedule, &signals);
	log_event(LOG_INFO, "jobs_stopped");
	pg_free(jobs.pg);
	return 0;
}
