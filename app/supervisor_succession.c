/* SPDX-License-Identifier: Apache-2.0 */
#include "app/supervisor_succession.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/ingest_process.h"
#include "app/mail_limits.h"
#include "app/supervisor_children.h"
#include "app/version.h"
#include "core/log.h"
#include "core/timestamp.h"

/* -- reload -- */

static unsigned ingest_children(const struct supervisor *supervisor)
{
	unsigned count = 0;

	for (size_t i = 0; i < supervisor->child_count; i++)
		count += supervisor->children[i].main == ingest_process_main;
	return count;
}

/* The table that there is, with the limits that are set now; where it is too small for them, a new
 * one, and the old processes go on to count in theirs. NULL: there are no limits. */
static struct peer_limits *renew_limits(struct supervisor *supervisor, int64_t now)
{
	const struct config *config = &supervisor->settings->config;
	struct peer_limits *limits = supervisor->refusal_log.limits;

	if (!limits || mail_limits_apply(config, limits))
		return limits;
	refusal_log_write(&supervisor->refusal_log);
	close(supervisor->limits_fd);
	supervisor->limits_fd = -1;
	limits = mail_limits_open(config, ingest_children(supervisor), &supervisor->limits_fd);
	refusal_log_init(&supervisor->refusal_log, limits, now);
	return limits;
}

static bool has_room(const struct supervisor *supervisor)
{
	const struct peer_limits *limits = supervisor->refusal_log.limits;

	return retired_has_room(&supervisor->retired, supervisor->child_count) &&
	       (!limits || peer_limits_free_seats(limits) >= ingest_children(supervisor));
}

/* A new process in the place of each that runs, or of each that waits to be started. */
static void replace_children(struct supervisor *supervisor, int64_t now)
{
	struct peer_limits *old_limits = supervisor->refusal_log.limits;
	struct peer_limits *limits = renew_limits(supervisor, now);

	for (size_t i = 0; i < supervisor->child_count; i++) {
		struct child *child = &supervisor->children[i];
		pid_t old = child->pid;

		child->context.config = &supervisor->settings->config;
		child->context.files = &supervisor->settings->files;
		child->context.limits = limits;
		child->backoff = (struct backoff){ 0 };
		child_start(supervisor, child);
		if (old > 0 && child->pid != old)
			retired_add(&supervisor->retired, old, now);
		else if (old > 0)
			child->restart_at = INT64_MAX; /* no new one: the old one stays */
	}
	if (limits != old_limits)
		peer_limits_free(old_limits);
}

static void refuse(const char *what, struct slice why)
{
	log_event(LOG_ERROR, what, LOG_SLICE("error", why));
}

/* A reload does what it can, and says what it cannot. */
static void warn_of_restart(const struct supervisor *supervisor, struct arena *arena)
{
	struct slice keys = config_restart_keys(&supervisor->started_with,
						&supervisor->settings->config, arena);

	if (!slice_empty(keys))
		log_event(LOG_WARNING, "restart_needed", LOG_SLICE("keys", keys));
}

void succession_reload(struct supervisor *supervisor, int64_t now)
{
	struct arena *arena = arena_new(0);
	struct settings *old = supervisor->settings;
	struct slice error = SLICE_NONE;
	enum log_level level = LOG_INFO;

	if (supervisor->stopping) {
		arena_free(arena);
		return;
	}
	if (!has_room(supervisor)) {
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
		warn_of_restart(supervisor, arena);
	}
	arena_free(arena);
}

/* -- upgrade -- */

void succession_begin_upgrade(struct supervisor *supervisor)
{
	if (supervisor->stopping || supervisor->upgrade_check > 0)
		return;
	if (!has_room(supervisor)) {
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
	int *const own_fds[] = { &supervisor->signal_fd, &supervisor->settings->files.rules_fd };

	legacy->handover_client = supervisor->handover_client;
	legacy->handover_server = supervisor->handover_server;
	legacy->limits_fd = supervisor->limits_fd;
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
	supervisor->limits_fd = legacy->limits_fd;
	legacy->pid_count = 0;
	for (size_t i = 0; i < supervisor->child_count; i++) {
		struct process_context *context = &supervisor->children[i].context;

		if (context->handover_fd >= 0)
			context->handover_fd = supervisor->children[i].main == ingest_process_main
						       ? supervisor->handover_server
						       : supervisor->handover_client;
	}
}

void succession_finish_upgrade(struct supervisor *supervisor, int status)
{
	supervisor->upgrade_check = 0;
	if (supervisor->stopping)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == COMMAND_OK)
		execute_upgrade(supervisor);
	else
		refuse("upgrade_refused", SLICE("the new program would not start"));
}

void succession_retire_legacy(struct supervisor *supervisor)
{
	int64_t now = time_monotonic_ms();

	if (supervisor->legacy.pid_count == 0)
		return;
	for (size_t i = 0; i < supervisor->legacy.pid_count; i++)
		retired_add(&supervisor->retired, supervisor->legacy.pids[i], now);
	supervisor->legacy.pid_count = 0;
	log_event(LOG_INFO, "upgraded", LOG_STR("to", BOUNCED_VERSION));
}
