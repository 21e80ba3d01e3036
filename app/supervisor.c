/* SPDX-License-Identifier: Apache-2.0 */
#include "app/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/api_process.h"
#include "app/commands.h"
#include "app/handover.h"
#include "app/ingest_process.h"
#include "app/jobs_process.h"
#include "app/mail_limits.h"
#include "app/notify.h"
#include "app/privileges.h"
#include "app/supervisor_children.h"
#include "app/supervisor_state.h"
#include "app/supervisor_succession.h"
#include "core/log.h"
#include "core/timestamp.h"

#define ERROR_LEN 200

/* -- set-up -- */

/* The parsers and the database work for each ingest process, so one for two cores: more of them
 * make smaller batches and wait for each other (docs/performance.md). */
static size_t ingest_count(const struct config *config)
{
	cpu_set_t cpus;
	int64_t count = config->ingest_processes;

	if (count == 0 && sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		count = (CPU_COUNT(&cpus) + 1) / 2;
	if (count < 1)
		return 1;
	return count < SUPERVISOR_INGEST_MAX ? (size_t)count : SUPERVISOR_INGEST_MAX;
}

static void add_child(struct supervisor *supervisor, const char *role, process_main *main,
		      const struct process_context *context)
{
	assert(supervisor->child_count < sizeof(supervisor->children) / sizeof(struct child));
	supervisor->children[supervisor->child_count++] = (struct child){
		.role = role,
		.main = main,
		.context = *context,
		.restart_at = 0,
	};
}

static void add_ingest(struct supervisor *supervisor, struct process_context context, size_t count)
{
	context.handover_fd = supervisor->handover_server;
	for (size_t i = 0; i < count; i++) {
		context.slot = (unsigned)i;
		add_child(supervisor, "ingest", ingest_process_main, &context);
	}
}

static void add_api(struct supervisor *supervisor, struct process_context context, bool with_ingest)
{
	context.handover_fd = with_ingest ? supervisor->handover_client : -1;
	add_child(supervisor, "api", api_process_main, &context);
}

static void add_jobs(struct supervisor *supervisor, struct process_context context)
{
	context.handover_fd = -1;
	add_child(supervisor, "jobs", jobs_process_main, &context);
}

/* The program before this one may have left its own, in which messages wait. */
static bool open_handover(struct supervisor *supervisor)
{
	if (upgrade_take_legacy(&supervisor->legacy)) {
		supervisor->handover_client = supervisor->legacy.handover_client;
		supervisor->handover_server = supervisor->legacy.handover_server;
		return true;
	}
	return handover_pair(&supervisor->handover_client, &supervisor->handover_server) == OK;
}

static bool open_signals(struct supervisor *supervisor)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGUSR2);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGPIPE, SIG_IGN);
	supervisor->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return supervisor->signal_fd >= 0;
}

static bool set_up(struct supervisor *supervisor, const struct supervisor_options *options,
		   char *error)
{
	struct process_context context = {
		.config = &supervisor->settings->config,
		.files = &supervisor->settings->files,
		.master_key = options->master_key,
		.trace_peer = options->trace_peer,
		.listeners = &supervisor->listeners,
	};
	const struct listeners_wanted wanted = {
		.ingest_slots = options->ingest ? ingest_count(context.config) : 0,
		.api = options->api,
	};

	if (!open_handover(supervisor) || !open_signals(supervisor)) {
		snprintf(error, ERROR_LEN, "%s", strerror(errno));
		return false;
	}
	supervisor->limits_fd = supervisor->legacy.limits_fd;
	if (options->ingest)
		context.limits = mail_limits_open(context.config, (unsigned)wanted.ingest_slots,
						  &supervisor->limits_fd);
	refusal_log_init(&supervisor->refusal_log, context.limits, time_monotonic_ms());
	privileges_raise_descriptors();
	if (!listeners_open(context.config, wanted, &supervisor->listeners, error, ERROR_LEN))
		return false;
	add_ingest(supervisor, context, wanted.ingest_slots);
	if (options->api)
		add_api(supervisor, context, options->ingest);
	if (options->jobs)
		add_jobs(supervisor, context);
	return privileges_drop(context.config->user, error, ERROR_LEN);
}

/* -- stopping -- */

static void begin_stop(struct supervisor *supervisor, int64_t now)
{
	if (supervisor->stopping)
		return;
	supervisor->stopping = true;
	supervisor->kill_at = now + SUPERVISOR_DRAIN_MS;
	log_event(LOG_INFO, "stopping");
	notify_manager("STOPPING=1");
	for (size_t i = 0; i < supervisor->child_count; i++)
		supervisor->children[i].restart_at = INT64_MAX;
	/* Connections must be refused from now on, not wait in a backlog that nobody serves. */
	listeners_close(&supervisor->listeners);
	children_signal(supervisor, SIGTERM);
	retired_signal(&supervisor->retired, SIGTERM);
}

static void reap(struct supervisor *supervisor, int64_t now)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *child = children_find(supervisor, pid);

		if (supervisor->refusal_log.limits)
			peer_limits_leave(supervisor->refusal_log.limits, pid);
		if (pid == supervisor->upgrade_check)
			succession_finish_upgrade(supervisor, status);
		else if (retired_remove(&supervisor->retired, pid))
			log_event(LOG_INFO, "retired_process_ended", LOG_INT("child", pid));
		else if (child)
			child_ended(supervisor, child, status, now);
	}
}

static void take_signals(struct supervisor *supervisor, int64_t now)
{
	struct signalfd_siginfo info;

	while (read(supervisor->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(supervisor, now);
		else if (info.ssi_signo == SIGHUP)
			succession_reload(supervisor, now);
		else if (info.ssi_signo == SIGUSR1)
			refusal_log_write(&supervisor->refusal_log);
		else if (info.ssi_signo == SIGUSR2)
			succession_begin_upgrade(supervisor);
		else
			begin_stop(supervisor, now);
	}
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Does what is due; returns when something will be next. */
static int64_t do_due(struct supervisor *supervisor, int64_t now)
{
	int64_t next = earlier(refusal_log_do_due(&supervisor->refusal_log, now),
			       retired_do_due(&supervisor->retired, now));

	if (supervisor->stopping && now >= supervisor->kill_at) {
		log_event(LOG_ERROR, "drain_timeout");
		supervisor->killed = true;
		supervisor->kill_at = INT64_MAX;
		children_signal(supervisor, SIGKILL);
		retired_signal(&supervisor->retired, SIGKILL);
	}
	if (supervisor->stopping)
		next = earlier(supervisor->kill_at, next);
	return earlier(children_do_due(supervisor, now), next);
}

static int poll_timeout(int64_t next, int64_t now)
{
	if (next == INT64_MAX)
		return -1;
	return next > now ? (int)(next - now) : 0;
}

static void tear_down(struct supervisor *supervisor)
{
	peer_limits_free(supervisor->refusal_log.limits);
	settings_free(supervisor->settings);
	arena_free(supervisor->started_arena);
}

int supervisor_run(const struct supervisor_options *options)
{
	struct supervisor supervisor = {
		.settings = options->settings,
		.config_path = options->config_path,
	};
	char error[ERROR_LEN];

	supervisor.started_arena = arena_new(0);
	supervisor.started_with =
		config_copy(&supervisor.settings->config, supervisor.started_arena);
	upgrade_init(&supervisor.upgrade, options->argv, options->master_key);
	bool set = set_up(&supervisor, options, error);

	if (!set)
		log_event(LOG_ERROR, "cannot_start", LOG_STR("error", error));
	if (!set || !options->may_start(options->context)) {
		tear_down(&supervisor);
		return COMMAND_FAILED;
	}
	(void)do_due(&supervisor, time_monotonic_ms());
	succession_retire_legacy(&supervisor);
	notify_manager("READY=1");
	while (!supervisor.stopping || children_any_running(&supervisor)) {
		struct pollfd pollfd = { .fd = supervisor.signal_fd, .events = POLLIN };
		int64_t now = time_monotonic_ms();
		int64_t next = do_due(&supervisor, now);

		(void)poll(&pollfd, 1, poll_timeout(next, now));
		take_signals(&supervisor, time_monotonic_ms());
	}
	log_event(LOG_INFO, "stopped");
	tear_down(&supervisor);
	return supervisor.killed ? COMMAND_FAILED : COMMAND_OK;
}
