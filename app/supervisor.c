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
#include "app/retired.h"
#include "app/settings.h"
#include "app/upgrade.h"
#include "app/version.h"
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
	struct settings *settings;
	const char *config_path;
	struct child children[MAX_INGEST + 1];
	size_t child_count;
	struct retired retired;
	struct upgrade upgrade;
	pid_t upgrade_check; /* 0: none is under way */
	struct upgrade_legacy legacy;
	struct listeners listeners;
	struct refusal_log refusal_log;
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
	sigset_t none;

	/* SIGKILL: a service whose supervisor was killed must not hold its ports against the next.
	 */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(COMMAND_FAILED);
	prctl(PR_SET_NAME, child->role);
	close_foreign(supervisor, child);
	/* A terminal that goes away tells all of us; only the supervisor acts on it. */
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	(void)log_level_parse(slice_from_cstr(child->context.config->log_level), &level);
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
		.rules_fd = supervisor->settings->rules_fd,
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
	if (options->ingest)
		context.limits = mail_limits_new(context.config, (unsigned)wanted.ingest_slots);
	refusal_log_init(&supervisor->refusal_log, context.limits, time_monotonic_ms());
	privileges_raise_descriptors();
	if (!listeners_open(context.config, wanted, &supervisor->listeners, error, ERROR_LEN))
		return false;
	add_ingest(supervisor, context, wanted.ingest_slots);
	if (options->api)
		add_api(supervisor, context, options->ingest);
	return privileges_drop(context.config->user, error, ERROR_LEN);
}

/* -- running -- */

static void signal_children(const struct supervisor *supervisor, int number)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		if (supervisor->children[i].pid > 0)
			kill(supervisor->children[i].pid, number);
	}
}

/* -- reload -- */

static unsigned ingest_children(const struct supervisor *supervisor)
{
	unsigned count = 0;

	for (size_t i = 0; i < supervisor->child_count; i++)
		count += supervisor->children[i].main == ingest_process_main;
	return count;
}

/* A new process in the place of each that runs, or of each that waits to be started. */
static void replace_children(struct supervisor *supervisor, int64_t now)
{
	struct peer_limits *old_limits = supervisor->refusal_log.limits, *limits = NULL;

	/* A table of their own: the old ones go on to count in theirs, by the same numbers. */
	if (old_limits) {
		refusal_log_write(&supervisor->refusal_log);
		limits =
			mail_limits_new(&supervisor->settings->config, ingest_children(supervisor));
		refusal_log_init(&supervisor->refusal_log, limits, now);
	}
	for (size_t i = 0; i < supervisor->child_count; i++) {
		struct child *child = &supervisor->children[i];
		pid_t old = child->pid;

		child->context.config = &supervisor->settings->config;
		child->context.rules_fd = supervisor->settings->rules_fd;
		child->context.limits = limits;
		child->backoff = (struct backoff){ 0 };
		start_child(supervisor, child);
		if (old > 0 && child->pid != old)
			retired_add(&supervisor->retired, old, now);
		else if (old > 0)
			child->restart_at = INT64_MAX; /* no new one: the old one stays */
	}
	peer_limits_free(old_limits);
}

static void refuse(const char *what, struct slice why)
{
	log_event(LOG_ERROR, what, LOG_SLICE("error", why));
}

static void reload(struct supervisor *supervisor, int64_t now)
{
	struct arena *arena = arena_new(0);
	struct settings *old = supervisor->settings;
	struct slice error = SLICE_NONE;
	enum log_level level = LOG_INFO;

	if (supervisor->stopping) {
		arena_free(arena);
		return;
	}
	if (!retired_has_room(&supervisor->retired, supervisor->child_count)) {
		refuse("reload_refused", SLICE("too many processes of earlier reloads remain"));
	} else if (settings_load(supervisor->config_path, arena, &supervisor->settings, &error) !=
		   OK) {
		refuse("reload_refused", error);
	} else {
		(void)log_level_parse(slice_from_cstr(supervisor->settings->config.log_level),
				      &level);
		log_init("supervisor", 0, level);
		replace_children(supervisor, now);
		settings_free(old);
		log_event(LOG_INFO, "reloaded");
	}
	arena_free(arena);
}

/* -- upgrade -- */

static void begin_upgrade(struct supervisor *supervisor)
{
	if (supervisor->stopping || supervisor->upgrade_check > 0)
		return;
	if (!retired_has_room(&supervisor->retired, supervisor->child_count)) {
		refuse("upgrade_refused", SLICE("too many processes of earlier reloads remain"));
		return;
	}
	supervisor->upgrade_check = upgrade_begin_check(&supervisor->upgrade);
	if (supervisor->upgrade_check < 0)
		refuse("upgrade_refused", slice_from_cstr(strerror(errno)));
}

static void execute_upgrade(struct supervisor *supervisor)
{
	struct upgrade_legacy *legacy = &supervisor->legacy;
	int *const own_fds[] = { &supervisor->signal_fd, &supervisor->settings->rules_fd };

	legacy->handover_client = supervisor->handover_client;
	legacy->handover_server = supervisor->handover_server;
	legacy->pid_count = 0;
	for (size_t i = 0; i < supervisor->child_count; i++)
		if (supervisor->children[i].pid > 0)
			legacy->pids[legacy->pid_count++] = supervisor->children[i].pid;
	for (size_t i = 0; i < supervisor->retired.count; i++)
		legacy->pids[legacy->pid_count++] = supervisor->retired.items[i].pid;
	log_event(LOG_INFO, "upgrading", LOG_STR("from", BOUNCED_VERSION),
		  LOG_STR("program", supervisor->upgrade.program));
	upgrade_execute(&supervisor->upgrade, &supervisor->listeners, legacy, own_fds,
			sizeof(own_fds) / sizeof(own_fds[0]));
	refuse("upgrade_refused", slice_from_cstr(strerror(errno)));
	supervisor->handover_client = legacy->handover_client;
	supervisor->handover_server = legacy->handover_server;
	legacy->pid_count = 0;
	for (size_t i = 0; i < supervisor->child_count; i++) {
		struct process_context *context = &supervisor->children[i].context;

		context->rules_fd = supervisor->settings->rules_fd;
		if (context->handover_fd >= 0)
			context->handover_fd = supervisor->children[i].main == ingest_process_main
						       ? supervisor->handover_server
						       : supervisor->handover_client;
	}
}

/* The new program has said whether it would start. */
static void finish_upgrade(struct supervisor *supervisor, int status)
{
	supervisor->upgrade_check = 0;
	if (supervisor->stopping)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == COMMAND_OK)
		execute_upgrade(supervisor);
	else
		refuse("upgrade_refused", SLICE("the new program would not start"));
}

/* Those of the program before this one have successors now. */
static void retire_legacy(struct supervisor *supervisor)
{
	int64_t now = time_monotonic_ms();

	if (supervisor->legacy.pid_count == 0)
		return;
	for (size_t i = 0; i < supervisor->legacy.pid_count; i++)
		retired_add(&supervisor->retired, supervisor->legacy.pids[i], now);
	supervisor->legacy.pid_count = 0;
	log_event(LOG_INFO, "upgraded", LOG_STR("to", BOUNCED_VERSION));
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
	signal_children(supervisor, SIGTERM);
	retired_signal(&supervisor->retired, SIGTERM);
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

		if (pid == supervisor->upgrade_check)
			finish_upgrade(supervisor, status);
		else if (retired_remove(&supervisor->retired, pid))
			log_event(LOG_INFO, "retired_process_ended", LOG_INT("pid", pid));
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
			reload(supervisor, now);
		else if (info.ssi_signo == SIGUSR1)
			refusal_log_write(&supervisor->refusal_log);
		else if (info.ssi_signo == SIGUSR2)
			begin_upgrade(supervisor);
		else
			begin_stop(supervisor, now);
	}
}

/* Does what is due; returns when something will be next. */
static int64_t do_due(struct supervisor *supervisor, int64_t now)
{
	int64_t next = refusal_log_do_due(&supervisor->refusal_log, now);
	int64_t retired_next = retired_do_due(&supervisor->retired, now);

	if (retired_next < next)
		next = retired_next;

	if (supervisor->stopping && now >= supervisor->kill_at) {
		log_event(LOG_ERROR, "drain_timeout");
		supervisor->killed = true;
		supervisor->kill_at = INT64_MAX;
		signal_children(supervisor, SIGKILL);
		retired_signal(&supervisor->retired, SIGKILL);
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
	return supervisor->retired.count > 0;
}

static int poll_timeout(int64_t next, int64_t now)
{
	if (next == INT64_MAX)
		return -1;
	return next > now ? (int)(next - now) : 0;
}

int supervisor_run(const struct supervisor_options *options)
{
	struct supervisor supervisor = {
		.settings = options->settings,
		.config_path = options->config_path,
	};
	char error[ERROR_LEN];

	upgrade_init(&supervisor.upgrade, options->argv, options->master_key);
	if (!set_up(&supervisor, options, error)) {
		log_event(LOG_ERROR, "cannot_start", LOG_STR("error", error));
		return COMMAND_FAILED;
	}
	if (!options->may_start(options->context))
		return COMMAND_FAILED;
	(void)do_due(&supervisor, time_monotonic_ms());
	retire_legacy(&supervisor);
	notify_manager("READY=1");
	while (!supervisor.stopping || any_running(&supervisor)) {
		struct pollfd pollfd = { .fd = supervisor.signal_fd, .events = POLLIN };
		int64_t now = time_monotonic_ms();
		int64_t next = do_due(&supervisor, now);

		(void)poll(&pollfd, 1, poll_timeout(next, now));
		take_signals(&supervisor, time_monotonic_ms());
	}
	log_event(LOG_INFO, "stopped");
	settings_free(supervisor.settings);
	return supervisor.killed ? COMMAND_FAILED : COMMAND_OK;
}
