/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long to wait before a process that ended is started again: at once after a long run, then
 * doubling, so that one that cannot start costs next to nothing and is still tried for ever.
 */
#ifndef BOUNCED_APP_BACKOFF_H
#define BOUNCED_APP_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS   10000
/* Who ran that long is taken to have started well. */
#define BACKOFF_GOOD_RUN_MS 60000

struct backoff {
	int64_t delay_ms; /* 0 initially */
};

/* The process ended after ran_ms: how long to wait. */
int64_t backoff_next(struct backoff *backoff, int64_t ran_ms);

#endif
