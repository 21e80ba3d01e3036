/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token bucket for each of many keys, in fixed memory: where two keys meet in a full set the one
 * that was quiet longest is forgotten, which favours it. Safe for threads.
 */
#ifndef BOUNCED_API_THROTTLE_H
#define BOUNCED_API_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/slice.h"

struct throttle;

/* `burst` hits at once, and that many again over `period_ms`. Caller frees. */
struct throttle *throttle_new(unsigned burst, unsigned period_ms);
void throttle_free(struct throttle *throttle);
/* Counts a hit; the milliseconds until the next one would be allowed, 0: this one is. */
unsigned throttle_hit(struct throttle *throttle, struct slice key, int64_t now_ms);

#endif
