/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines of connections. The HTTP library closes what stands still, but a client that sends a
 * byte now and then never does: the watchdog's thread shuts a socket down when its deadline has
 * passed, and the library finds it closed. Safe for threads.
 */
#ifndef BOUNCED_API_WATCHDOG_H
#define BOUNCED_API_WATCHDOG_H

#include <stdint.h>

struct watchdog;
struct watch; /* one socket */

/* Starts the thread. NULL where that fails. */
struct watchdog *watchdog_start(void);
/* Every watch has been removed. NULL is fine. */
void watchdog_stop(struct watchdog *watchdog);

/* deadline: time_monotonic_ms(). The socket must stay open until the watch is removed. */
struct watch *watchdog_add(struct watchdog *watchdog, int fd, int64_t deadline);
void watchdog_set(struct watchdog *watchdog, struct watch *watch, int64_t deadline);
void watchdog_remove(struct watchdog *watchdog, struct watch *watch);

#endif
