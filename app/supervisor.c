/* SPDX-License-Identifier: Apache-2.0 */
#include "app/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/api_process.h"
#include "app/backoff.h"
#include "app/commands.h"
#include "app/handover.h"
#include "app/ingest_process.h"
#include "app/listeners.h"
#include "app/mail_limits.h"
#include "app/notify.h"
#include "app/privileges.h"
#include "app/process.h"
#include "app/refusal_log.h"
#include "core/log.h"
#include "core/timestamp.h"

#define MAX_INGEST 64
#define ERROR_LEN  200

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
	const struct config *config;
	struct child children[MAX_INGEST + 1];
	size_t child_count;
	struct listeners listeners;
	struct refusal_log refusal_log;
	sigset_t old_mask;
	int signal_fd;
	int handover_client;
	int handover_server;
	bool stopping;
	int64_t kill_at;
	bool killed;
};

/* -- a child's first steps -- */

static void close_foreign(const struct supervisor *supervisor, const struct child *own)
{
	bool ingest = own->main == ingest_process_main;

	for (size_t i = 0; i < supervisor->listeners.count; i++) {
		const struct listener_socket *socket = &supervisor->listeners.sockets[i];

		if (ingest ? !listener_is_of_ingest(socket, own->context.slot)
			   : socket->listener != LISTENER_HTTP)
			close(socket->fd);
	}
	close(supervisor->signal_fd);
	if (supervisor->handover_client != own->context.handover_fd)
		close(supervisor->handover_client);
	if (supervisor->handover_server != own->context.handover_fd)
		close(supervisor->handover_server);
}

static _Noreturn void run_child(const struct supervisor *supervisor, const struct child *child,
				pid_t parent)
{
	enum log_level level = LOG_INFO;

	/* SIGKILL: a service whose supervisor was killed must not hold its ports against the next.
	 */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(COMMAND_FAILED);
	prctl(PR_SET_NAME, child->role);
	close_foreign(supervisor, child);
	sigprocmask(SIG_SETMASK, &supervisor->old_mask, NULL);
	(void)log_level_parse(slice_from_cstr(supervisor->config->log_level), &level);
	log_init(child->role, (int)child->context.slot, level);
	exit(child->main(&child->context));
}

static void start_child(struct supervisor *supervisor, struct child *child)
{
	pid_t parent = getpid();
	pid_t pid;

	child->started_at = time_monotonic_ms();
	child->restart_at = INT64_MAX;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		run_child(supervisor, child, parent);
	if (pid < 0) {
		log_event(LOG_ERROR, "fork_failed", LOG_STR("of", child->role),
			  LOG_STR("error", strerror(errno)));
		child->restart_at = child->started_at + backoff_next(&child->backoff, 0);
		return;
	}
	child->pid = pid;
	log_event(LOG_INFO, "process_started", LOG_STR("of", child->role),
		  LOG_INT("number", child->context.slot), LOG_INT("pid", pid),
		  LOG_INT("restarts", child->restarts));
}

/* -- set-up -- */

static size_t ingest_count(const struct config *config)
{
	cpu_set_t cpus;
	int64_t count = config->ingest_processes;

	if (count == 0 && sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		count = CPU_COUNT(&cpus);
	if (count < 1)
		return 1;
	return count < MAX_INGEST ? (size_t)count : MAX_INGEST;
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

static bool open_signals(struct supervisor *supervisor)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mask, &supervisor->old_mask);
	signal(SIGPIPE, SIG_IGN);
	supervisor->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return supervisor->signal_fd >= 0;
}

static bool set_up(struct supervisor *supervisor, const struct supervisor_options *options,
		   char *error)
{
	struct process_context context = {
		.config = options->config,
		.master_key = options->master_key,
		.trace_peer = options->trace_peer,
		.listeners = &supervisor->listeners,
	};
	const struct listeners_wanted wanted = {
		.ingest_slots = options->ingest ? ingest_count(options->config) : 0,
		.api = options->api,
	};

	if (handover_pair(&supervisor->handover_client, &supervisor->handover_server) != OK ||
	    !open_signals(supervisor)) {
		snprintf(error, ERROR_LEN, "%s", strerror(errno));
		return false;
	}
	if (options->ingest)
		context.limits = mail_limits_new(options->config, (unsigned)wanted.ingest_slots);
	refusal_log_init(&supervisor->refusal_log, context.limits, time_monotonic_ms());
	privileges_raise_descriptors();
	if (!listeners_open(options->config, wanted, &supervisor->listeners, error, ERROR_LEN))
		return false;
	add_ingest(supervisor, context, wanted.ingest_slots);
	if (options->api)
		add_api(supervisor, context, options->ingest);
	return privileges_drop(options->config->user, error, ERROR_LEN);
}

/* -- running -- */

static void signal_children(const struct supervisor *supervisor, int number)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		if (supervisor->children[i].pid > 0)
			kill(supervisor->children[i].pid, number);
	}
}

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
	signal_children(supervisor, SIGTERM);
}

static struct child *find_child(struct supervisor *supervisor, pid_t pid)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		if (supervisor->children[i].pid == pid)
			return &supervisor->children[i];
	}
	return NULL;
}

static void child_ended(struct supervisor *supervisor, struct child *child, int status, int64_t now)
{
	int64_t ran = now - child->started_at;

	child->pid = 0;
	if (child->main == ingest_process_main)
		peer_limits_forget(child->context.limits, child->context.slot);
	if (supervisor->stopping)
		return;
	child->restarts++;
	child->restart_at = now + backoff_next(&child->backoff, ran);
	log_event(LOG_ERROR, "process_ended", LOG_STR("of", child->role),
		  LOG_INT("number", child->context.slot),
		  LOG_INT("exit", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
		  LOG_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
		  LOG_INT("ran_ms", ran), LOG_INT("restart_in_ms", child->restart_at - now));
}

static void reap(struct supervisor *supervisor, int64_t now)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *child = find_child(supervisor, pid);

		if (child)
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
			signal_children(supervisor, SIGHUP);
		else if (info.ssi_signo == SIGUSR1)
			refusal_log_write(&supervisor->refusal_log);
		else
			begin_stop(supervisor, now);
	}
}

/* Does what is due; returns when something will be next. */
static int64_t do_due(struct supervisor *supervisor, int64_t now)
{
	int64_t next = refusal_log_do_due(&supervisor->refusal_log, now);

	if (supervisor->stopping && now >= supervisor->kill_at) {
		log_event(LOG_ERROR, "drain_timeout");
		supervisor->killed = true;
		supervisor->kill_at = INT64_MAX;
		signal_children(supervisor, SIGKILL);
	}
	if (supervisor->stopping && supervisor->kill_at < next)
		next = supervisor->kill_at;
	for (size_t i = 0; i < supervisor->child_count; i++) {
		struct child *child = &supervisor->children[i];

		if (child->restart_at <= now)
			start_child(supervisor, child);
		if (child->restart_at < next)
			next = child->restart_at;
	}
	return next;
}

static bool any_running(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		if (supervisor->children[i].pid > 0)
			return true;
	}
	return false;
}

static int poll_timeout(int64_t next, int64_t now)
{
	if (next == INT64_MAX)
		return -1;
	return next > now ? (int)(next - now) : 0;
}

int supervisor_run(const struct supervisor_options *options)
{
	struct supervisor supervisor = { .config = options->config };
	char error[ERROR_LEN];

	if (!set_up(&supervisor, options, error)) {
		log_event(LOG_ERROR, "cannot_start", LOG_STR("error", error));
		return COMMAND_FAILED;
	}
	if (!options->may_start(options->context))
		return COMMAND_FAILED;
	(void)do_due(&supervisor, time_monotonic_ms());
	notify_manager("READY=1");
	while (!supervisor.stopping || any_running(&supervisor)) {
		struct pollfd pollfd = { .fd = supervisor.signal_fd, .events = POLLIN };
		int64_t now = time_monotonic_ms();
		int64_t next = do_due(&supervisor, now);

		(void)poll(&pollfd, 1, poll_timeout(next, now));
		take_signals(&supervisor, time_monotonic_ms());
	}
	log_event(LOG_INFO, "stopped");
	return supervisor.killed ? COMMAND_FAILED : COMMAND_OK;
}
