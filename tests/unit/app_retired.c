/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that others have taken over from, and what one program leaves to the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/listeners.h"
#include "app/retired.h"
#include "app/upgrade.h"

/* Ignores `ignored`, if it is not 0. */
static pid_t start_process(int ignored)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGUSR1, SIG_IGN);
		if (ignored != 0)
			signal(ignored, SIG_IGN);
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static int ended_by(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_patience_ends(void **state)
{
	struct retired retired = { .count = 0 };
	pid_t willing = start_process(0), stubborn = start_process(SIGTERM);

	(void)state;
	assert_int_equal(retired_do_due(&retired, 0), INT64_MAX);
	retired_add(&retired, willing, 1000);
	retired_add(&retired, stubborn, 2000);
	assert_int_equal(retired_do_due(&retired, 1000), 1000 + RETIRED_MS);
	assert_int_equal(kill(willing, 0), 0);

	assert_int_equal(retired_do_due(&retired, 1000 + RETIRED_MS), 2000 + RETIRED_MS);
	assert_int_equal(ended_by(willing), SIGTERM);
	assert_true(retired_remove(&retired, willing));
	assert_false(retired_remove(&retired, willing));

	int64_t next = retired_do_due(&retired, 2000 + RETIRED_MS);
	assert_true(next > 2000 + RETIRED_MS && next < INT64_MAX);
	assert_int_equal(waitpid(stubborn, NULL, WNOHANG), 0);
	(void)retired_do_due(&retired, next);
	assert_int_equal(ended_by(stubborn), SIGKILL);
	assert_true(retired_remove(&retired, stubborn));
	assert_int_equal(retired.count, 0);
}

static void test_room(void **state)
{
	struct retired retired = { .count = RETIRED_MAX - 2 };

	(void)state;
	assert_true(retired_has_room(&retired, 2));
	assert_false(retired_has_room(&retired, 3));
}

static void test_legacy(void **state)
{
	static const char *const BROKEN[] = { "", "7", "7 8", "7 x 9", "-1 8 9" };
	struct upgrade_legacy legacy;
	int fds[3];
	char text[100];

	(void)state;
	unsetenv("BOUNCED_UPGRADE");
	assert_false(upgrade_take_legacy(&legacy));
	for (size_t i = 0; i < sizeof(BROKEN) / sizeof(BROKEN[0]); i++) {
		setenv("BOUNCED_UPGRADE", BROKEN[i], 1);
		assert_false(upgrade_take_legacy(&legacy));
	}
	for (size_t i = 0; i < 3; i++) {
		fds[i] = open("/dev/null", O_RDONLY);
		assert_true(fds[i] >= 0);
	}
	snprintf(text, sizeof(text), "%d %d %d 101 102", fds[0], fds[1], fds[2]);
	setenv("BOUNCED_UPGRADE", text, 1);
	assert_true(upgrade_take_legacy(&legacy));
	assert_int_equal(legacy.handover_client, fds[0]);
	assert_int_equal(legacy.handover_server, fds[1]);
	assert_int_equal(fcntl(fds[1], F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fds[2], F_GETFD), -1); /* the key's is closed */
	assert_int_equal(legacy.pid_count, 2);
	assert_int_equal(legacy.pids[1], 102);
	assert_null(getenv("BOUNCED_UPGRADE"));
	close(fds[0]);
	close(fds[1]);
}

static void test_names(void **state)
{
	const struct listener_socket smtp = { LISTENER_SMTP, 3, -1 };
	const struct listener_socket http = { LISTENER_HTTP, LISTENER_ALL_SLOTS, -1 };
	char name[20];

	(void)state;
	listener_socket_name(&smtp, name, sizeof(name));
	assert_string_equal(name, "smtp.3");
	listener_socket_name(&http, name, sizeof(name));
	assert_string_equal(name, "http");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patience_ends),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
