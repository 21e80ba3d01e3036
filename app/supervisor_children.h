/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's processes: how one is started, and what is done when one ends. */
#ifndef BOUNCED_APP_SUPERVISOR_CHILDREN_H
#define BOUNCED_APP_SUPERVISOR_CHILDREN_H

#include "app/supervisor_state.h"

/* Where it cannot be started, it will be tried again. */
void child_start(struct supervisor *supervisor, struct child *child);
/* It ended with `status`, as of waitpid(): it will be started again, unless we stop. */
void child_ended(struct supervisor *supervisor, struct child *child, int status, int64_t now);

/* NULL: it is none of ours, or has been replaced. */
struct child *children_find(struct supervisor *supervisor, pid_t pid);
void children_signal(const struct supervisor *supervisor, int number);
/* Starts those that are due; returns when the next will be, or INT64_MAX. */
int64_t children_do_due(struct supervisor *supervisor, int64_t now);
/* One of them, or of those that have been replaced. */
bool children_any_running(const struct supervisor *supervisor);

#endif
