/* SPDX-License-Identifier: Apache-2.0 */
#include "app/retired.h"

#include <assert.h>
#include <signal.h>

/* From the request to hurry to the end of patience: a process drains for less. */
#define KILL_MS 30000

bool retired_has_room(const struct retired *retired, size_t count)
{
	return RETIRED_MAX - retired->count >= count;
}

void retired_add(struct retired *retired, pid_t pid, int64_t now)
{
	assert(retired_has_room(retired, 1));
	size_t i = retired->count++;

	retired->items[i].pid = pid;
	retired->items[i].next_at = now + RETIRED_MS;
	retired->items[i].next_signal = SIGTERM;
	kill(pid, SIGUSR1);
}

bool retired_remove(struct retired *retired, pid_t pid)
{
	for (size_t i = 0; i < retired->count; i++) {
		if (retired->items[i].pid == pid) {
			retired->items[i] = retired->items[--retired->count];
			return true;
		}
	}
	return false;
}

void retired_signal(const struct retired *retired, int number)
{
	for (size_t i = 0; i < retired->count; i++)
		kill(retired->items[i].pid, number);
}

int64_t retired_do_due(struct retired *retired, int64_t now)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < retired->count; i++) {
		if (retired->items[i].next_at <= now) {
			kill(retired->items[i].pid, retired->items[i].next_signal);
			retired->items[i].next_signal = SIGKILL;
			retired->items[i].next_at = now + KILL_MS;
		}
		if (retired->items[i].next_at < next)
			next = retired->items[i].next_at;
	}
	return next;
}
