/* SPDX-License-Identifier: Apache-2.0 */
#include "app/supervisor_children.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/api_process.h"
#include "app/commands.h"
#include "app/ingest_process.h"
#include "core/log.h"
#include "core/timestamp.h"

/* -- a child's first steps -- */

static bool serves(const struct child *child, const struct listener_socket *socket)
{
	if (child->main == ingest_process_main)
		return listener_is_of_ingest(socket, child->context.slot);
	return child->main == api_process_main && socket->listener == LISTENER_HTTP;
}

static void close_foreign(const struct supervisor *supervisor, const struct child *own)
{
	for (size_t i = 0; i < supervisor->listeners.count; i++) {
		const struct listener_socket *socket = &supervisor->listeners.sockets[i];

		if (!serves(own, socket))
			close(socket->fd);
	}
	close(supervisor->signal_fd);
	if (supervisor->limits_fd >= 0)
		close(supervisor->limits_fd);
	if (supervisor->handover_client != own->context.handover_fd)
		close(supervisor->handover_client);
	if (supervisor->handover_server != own->context.handover_fd)
		close(supervisor->handover_server);
}

/* Whoever serves no mail has no use for the keys of certificates. */
static void forget_keys(struct supervisor *supervisor, const struct child *own)
{
	if (own->main == ingest_process_main)
		return;
	tls_free(supervisor->settings->files.tls);
	supervisor->settings->files.tls = NULL;
}

static _Noreturn void run_child(struct supervisor *supervisor, const struct child *child,
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
	forget_keys(supervisor, child);
	/* A terminal that goes away tells all of us; only the supervisor acts on it. */
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	(void)log_level_parse(slice_from_cstr(child->context.config->log_level), &level);
	log_init(child->role, (int)child->context.slot, level);
	exit(child->main(&child->context));
}

void child_start(struct supervisor *supervisor, struct child *child)
{
	bool counts = child->main == ingest_process_main;
	bool has_seat =
		!counts || peer_limits_find_seat(child->context.limits, &child->context.seat);
	pid_t parent = getpid();
	pid_t pid;

	child->started_at = time_monotonic_ms();
	child->restart_at = INT64_MAX;
	fflush(NULL);
	pid = has_seat ? fork() : -1;
	if (pid == 0)
		run_child(supervisor, child, parent);
	if (pid < 0) {
		log_event(LOG_ERROR, "fork_failed", LOG_STR("of", child->role),
			  LOG_STR("error", has_seat ? strerror(errno) : "too many processes"));
		child->restart_at = child->started_at + backoff_next(&child->backoff, 0);
		return;
	}
	child->pid = pid;
	if (counts)
		peer_limits_sit(child->context.limits, child->context.seat, pid);
	log_event(LOG_INFO, "process_started", LOG_STR("of", child->role),
		  LOG_INT("number", child->context.slot), LOG_INT("child", pid),
		  LOG_INT("restarts", child->restarts));
}

void child_ended(struct supervisor *supervisor, struct child *child, int status, int64_t now)
{
	int64_t ran = now - child->started_at;

	child->pid = 0;
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

struct child *children_find(struct supervisor *supervisor, pid_t pid)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		if (supervisor->children[i].pid == pid)
			return &supervisor->children[i];
	}
	return NULL;
}

void children_signal(const struct supervisor *supervisor, int number)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		if (supervisor->children[i].pid > 0)
			kill(supervisor->children[i].pid, number);
	}
}

int64_t children_do_due(struct supervisor *supervisor, int64_t now)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < supervisor->child_count; i++) {
		struct child *child = &supervisor->children[i];

		if (child->restart_at <= now)
			child_start(supervisor, child);
		if (child->restart_at < next)
			next = child->restart_at;
	}
	return next;
}

bool children_any_running(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		if (supervisor->children[i].pid > 0)
			return true;
	}
	return supervisor->retired.count > 0;
}
