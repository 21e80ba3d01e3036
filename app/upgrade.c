/* SPDX-License-Identifier: Apache-2.0 */
#include "app/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/encoding.h"
#include "core/hash.h"
#include "core/slice.h"

#define VARIABLE      "BOUNCED_UPGRADE"
#define LIMITS        "BOUNCED_UPGRADE_LIMITS"
#define VARIABLES_MAX 6
/* A listener's name with its slot, or a number. */
#define WORD_MAX 32

/* -- the new program -- */

static bool next_number(struct slice *rest, int *ret_number)
{
	struct slice word;
	uint64_t number;

	if (!slice_next_field(rest, ' ', &word) || !slice_to_u64(word, &number) || number > INT_MAX)
		return false;
	*ret_number = (int)number;
	return true;
}

/* A program that has no such table names none. */
static void take_limits(struct upgrade_legacy *legacy)
{
	struct slice rest = slice_from_cstr(getenv(LIMITS));

	if (next_number(&rest, &legacy->limits_fd))
		fcntl(legacy->limits_fd, F_SETFD, FD_CLOEXEC);
	unsetenv(LIMITS);
}

bool upgrade_take_legacy(struct upgrade_legacy *ret_legacy)
{
	struct slice rest = slice_from_cstr(getenv(VARIABLE));
	int key, pid;

	ret_legacy->pid_count = 0;
	ret_legacy->limits_fd = -1;
	if (!next_number(&rest, &ret_legacy->handover_client) ||
	    !next_number(&rest, &ret_legacy->handover_server) || !next_number(&rest, &key))
		return false;
	close(key);
	fcntl(ret_legacy->handover_client, F_SETFD, FD_CLOEXEC);
	fcntl(ret_legacy->handover_server, F_SETFD, FD_CLOEXEC);
	take_limits(ret_legacy);
	while (ret_legacy->pid_count < RETIRED_MAX && next_number(&rest, &pid))
		ret_legacy->pids[ret_legacy->pid_count++] = pid;
	unsetenv(VARIABLE);
	return true;
}

/* -- the environment that it gets -- */

struct variables {
	char *texts[VARIABLES_MAX]; /* "NAME=value" */
	size_t count;
};

PRINTF_LIKE(2, 3)
static void variables_add(struct variables *variables, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	if (vasprintf(&variables->texts[variables->count++], format, list) < 0)
		abort();
	va_end(list);
}

static bool variables_have(const struct variables *variables, const char *entry)
{
	for (size_t i = 0; i < variables->count; i++) {
		size_t len = strcspn(variables->texts[i], "=") + 1;

		if (strncmp(entry, variables->texts[i], len) == 0)
			return true;
	}
	return false;
}

/* Ours with the variables in place of those of the same name. Caller frees the array. */
static char **make_environment(const struct variables *variables)
{
	size_t count = 0;

	while (environ[count])
		count++;
	char **environment = calloc(count + variables->count + 1, sizeof(*environment));

	if (!environment)
		abort();
	count = 0;
	for (char **entry = environ; *entry; entry++)
		if (!variables_have(variables, *entry))
			environment[count++] = *entry;
	for (size_t i = 0; i < variables->count; i++)
		environment[count++] = variables->texts[i];
	return environment;
}

static void variables_free(struct variables *variables)
{
	for (size_t i = 0; i < variables->count; i++)
		free(variables->texts[i]);
}

/* The key as a file that only our user may read; stays open over an exec. -1 with errno. */
static int open_key(const uint8_t *master_key, int floor)
{
	char text[HEX_LEN(SECRETBOX_KEY_LEN) + 1];
	int memory = memfd_create("master-key", MFD_CLOEXEC);
	size_t len = hex_encode(master_key, SECRETBOX_KEY_LEN, text);
	int fd = -1;

	if (memory >= 0 && fchmod(memory, S_IRUSR) == 0 && write(memory, text, len) == (ssize_t)len)
		fd = fcntl(memory, F_DUPFD, floor);
	explicit_bzero(text, sizeof(text));
	int saved = errno;

	if (memory >= 0)
		close(memory);
	errno = saved;
	return fd;
}

static void add_key(struct variables *variables, int fd)
{
	variables_add(variables, "BOUNCED_MASTER_KEY_FILE=/proc/self/fd/%d", fd);
}

/* -- the old program -- */

void upgrade_init(struct upgrade *upgrade, char **argv, const uint8_t *master_key)
{
	ssize_t len = readlink("/proc/self/exe", upgrade->program, sizeof(upgrade->program) - 1);

	upgrade->program[len > 0 ? len : 0] = '\0';
	upgrade->argv = argv;
	upgrade->master_key = master_key;
}

/* program, "serve", `extra` unless it is NULL, and what stood behind "serve". Caller frees. */
static char **make_arguments(const struct upgrade *upgrade, char *extra)
{
	size_t count = 0, at = 0;

	while (upgrade->argv[count])
		count++;
	char **arguments = calloc(count + 3, sizeof(*arguments));

	if (!arguments)
		abort();
	arguments[at++] = (char *)(uintptr_t)upgrade->program;
	arguments[at++] = upgrade->argv[0];
	if (extra)
		arguments[at++] = extra;
	for (size_t i = 1; i < count; i++)
		arguments[at++] = upgrade->argv[i];
	return arguments;
}

static _Noreturn void run_check(const struct upgrade *upgrade)
{
	struct variables variables = { .count = 0 };
	char check[] = "--check";
	int key = open_key(upgrade->master_key, STDERR_FILENO + 1);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (key >= 0) {
		add_key(&variables, key);
		execve(upgrade->program, make_arguments(upgrade, check),
		       make_environment(&variables));
	}
	_exit(127);
}

pid_t upgrade_begin_check(const struct upgrade *upgrade)
{
	fflush(NULL);
	pid_t pid = fork();

	if (pid == 0)
		run_check(upgrade);
	return pid;
}

/* Gives the descriptor a number of at least `floor`. */
static bool move_up(int *fd, int floor)
{
	if (*fd <= STDERR_FILENO || *fd >= floor)
		return true;
	int moved = fcntl(*fd, F_DUPFD_CLOEXEC, floor);

	if (moved < 0)
		return false;
	close(*fd);
	*fd = moved;
	return true;
}

static bool clear_the_way(struct listeners *listeners, struct upgrade_legacy *legacy,
			  int *const *own_fds, size_t own_count, int floor)
{
	bool clear = move_up(&legacy->handover_client, floor) &&
		     move_up(&legacy->handover_server, floor) && move_up(&legacy->limits_fd, floor);

	for (size_t i = 0; i < own_count; i++)
		clear = clear && move_up(own_fds[i], floor);
	for (size_t i = 0; i < listeners->count; i++)
		clear = clear && move_up(&listeners->sockets[i].fd, floor);
	return clear;
}

static void add_listeners(struct variables *variables, const struct listeners *listeners)
{
	char names[LISTENER_SOCKETS_MAX * WORD_MAX] = "";
	size_t len = 0;

	for (size_t i = 0; i < listeners->count; i++) {
		char name[WORD_MAX];

		listener_socket_name(&listeners->sockets[i], name, sizeof(name));
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i > 0 ? ":" : "",
					name);
	}
	variables_add(variables, "LISTEN_PID=%d", (int)getpid());
	variables_add(variables, "LISTEN_FDS=%zu", listeners->count);
	variables_add(variables, "LISTEN_FDNAMES=%s", names);
}

static void add_legacy(struct variables *variables, const struct upgrade_legacy *legacy, int key)
{
	char pids[RETIRED_MAX * WORD_MAX] = "";
	size_t len = 0;

	for (size_t i = 0; i < legacy->pid_count; i++)
		len += (size_t)snprintf(pids + len, sizeof(pids) - len, " %d",
					(int)legacy->pids[i]);
	if (legacy->limits_fd >= 0)
		variables_add(variables, LIMITS "=%d", legacy->limits_fd);
	variables_add(variables, VARIABLE "=%d %d %d%s", legacy->handover_client,
		      legacy->handover_server, key, pids);
}

static void set_inherited(const struct upgrade_legacy *legacy, bool inherited)
{
	fcntl(legacy->handover_client, F_SETFD, inherited ? 0 : FD_CLOEXEC);
	fcntl(legacy->handover_server, F_SETFD, inherited ? 0 : FD_CLOEXEC);
	if (legacy->limits_fd >= 0)
		fcntl(legacy->limits_fd, F_SETFD, inherited ? 0 : FD_CLOEXEC);
}

void upgrade_execute(const struct upgrade *upgrade, struct listeners *listeners,
		     struct upgrade_legacy *legacy, int *const *own_fds, size_t own_count)
{
	struct variables variables = { .count = 0 };
	int floor = LISTENERS_PASSED_FIRST + (int)listeners->count;

	if (!clear_the_way(listeners, legacy, own_fds, own_count, floor))
		return;
	int key = open_key(upgrade->master_key, floor);

	if (key < 0)
		return;
	add_key(&variables, key);
	add_listeners(&variables, listeners);
	add_legacy(&variables, legacy, key);
	char **arguments = make_arguments(upgrade, NULL);
	char **environment = make_environment(&variables);

	for (size_t i = 0; i < listeners->count; i++)
		dup2(listeners->sockets[i].fd, LISTENERS_PASSED_FIRST + (int)i);
	set_inherited(legacy, true);
	execve(upgrade->program, arguments, environment);
	int saved = errno;

	for (size_t i = 0; i < listeners->count; i++)
		close(LISTENERS_PASSED_FIRST + (int)i);
	set_inherited(legacy, false);
	close(key);
	free(arguments);
	free(environment);
	variables_free(&variables);
	errno = saved;
}
