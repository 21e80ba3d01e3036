/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches a non-blocking machine that names a descriptor, whether it wants to write, and a deadline
 * (the committer, the directory loader, a parser child), and calls back when one of them is due.
 */
#ifndef BOUNCED_APP_WATCH_H
#define BOUNCED_APP_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>

struct watch;

/* ready(context) may free what it belongs to, but not the watch. Caller frees. */
struct watch *watch_new(struct event_base *base, void (*ready)(void *context), void *context);
void watch_free(struct watch *watch);
/* To be called whenever something may have changed. fd -1: none; deadline INT64_MAX: none. The
 * descriptor may be another than before, even under the same number (`changed` says so). */
void watch_update(struct watch *watch, int fd, bool changed, bool wants_write, int64_t deadline_ms);

#endif
