/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notices when return paths that used to verify suddenly do not: a key that was lost or a mint that
 * went wrong, at our side or the sender's. While it lasts their reports are put off instead of
 * refused, so that a repair loses none.
 *
 * A domain is in trouble when in the last GUARD_WINDOW_MIN minutes more than half of what was
 * presented failed, at least GUARD_FAILURES_MIN times and from GUARD_NETWORKS_MIN networks (one
 * scanner does not count), after an hour in which most of it verified. An hour of failures is the
 * new normal: then they are refused again.
 *
 * Pure: time is an argument. Each process guards for itself what it sees.
 */
#ifndef BOUNCED_INGEST_VERIFICATION_GUARD_H
#define BOUNCED_INGEST_VERIFICATION_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/slice.h"

#define GUARD_WINDOW_MIN       5
#define GUARD_HISTORY_MIN      60
#define GUARD_FAILURES_MIN     20
#define GUARD_NETWORKS_MIN     5
#define GUARD_HISTORY_GOOD_MIN 20
#define GUARD_ALERT_MS         600000
/* Domains that are watched; a new one takes the place of the one that was silent longest. */
#define GUARD_DOMAINS_MAX 256

struct verification_guard;

struct guard_state {
	bool trouble;
	bool alert; /* to be told now: once in GUARD_ALERT_MS */
};

struct verification_guard *verification_guard_new(void);
/* NULL is fine. */
void verification_guard_free(struct verification_guard *guard);

/*
 * One recipient at a domain of ours: did it verify? peer: the client's address in text; its /24 or
 * /48 counts as one network. A clock that goes back stands still.
 */
struct guard_state verification_guard_note(struct verification_guard *guard, struct slice domain,
					   struct slice peer, bool verified, int64_t now_ms);

#endif
