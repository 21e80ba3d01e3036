/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that others have taken over from, after a reload or an upgrade. Each accepts no more,
 * and ends when the last of its connections has; it is told to hurry after RETIRED_MS, and killed
 * when that does not help.
 */
#ifndef BOUNCED_APP_RETIRED_H
#define BOUNCED_APP_RETIRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RETIRED_MAX 256
/* Longer than nearly every session; the others are told 421 between two messages. */
#define RETIRED_MS 300000

struct retired {
	struct {
		pid_t pid;
		int64_t next_at;
		int next_signal;
	} items[RETIRED_MAX];
	size_t count;
};

bool retired_has_room(const struct retired *retired, size_t count);
/* Tells the process that it is one now. There must be room. */
void retired_add(struct retired *retired, pid_t pid, int64_t now);
/* The process has ended. false: it was none of these. */
bool retired_remove(struct retired *retired, pid_t pid);
void retired_signal(const struct retired *retired, int number);
/* Does what is due at `now`; returns when something will be next, or INT64_MAX. */
int64_t retired_do_due(struct retired *retired, int64_t now);

#endif
