/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may connect to this process: the limits that all processes share, but for trusted networks,
 * which only the limit on all connections binds; and whether the service is so full that clients
 * must be quick. Pure: time and counts are inputs.
 */
#ifndef BOUNCED_INGEST_ADMISSION_H
#define BOUNCED_INGEST_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/network.h"
#include "ingest/peer_limits.h"

struct admission {
	struct peer_limits *limits;       /* borrowed; NULL: there are none */
	unsigned seat;                    /* on which it counts */
	const struct ip_network *trusted; /* borrowed */
	size_t trusted_count;
	bool stressed;
};

/* Whether the limits of a prefix apply to the peer: it has an address, in no trusted network. */
bool admission_is_limited(const struct admission *admission, struct slice peer,
			  struct ip_address *ret_address);

/* peer: its address as text; empty for a Unix socket's. proxy: it speaks for others, whose turn
 * comes with admission_claim(). false: refused, and counted. */
bool admission_open(const struct admission *admission, struct slice peer, bool proxy,
		    int64_t now_ms, struct peer_ticket *ret_ticket);
bool admission_claim(const struct admission *admission, struct slice peer, int64_t now_ms,
		     struct peer_ticket *ticket);
void admission_close(const struct admission *admission, struct peer_ticket *ticket);

/* Where refusals are counted; NULL: nowhere. */
struct refusal_counters *admission_refusals(const struct admission *admission);

/* Looks at this process's own connections and capacity, and at those of all. Returns whether
 * `stressed` changed. */
bool admission_update(struct admission *admission, unsigned connections, unsigned capacity);

#endif
