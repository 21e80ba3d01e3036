/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory behind ingest/peer_limits.h, which alone includes this: a set-associative hash table.
 * A prefix has its entry in one of the WAYS places of its set, so that a look-up costs the same
 * however full the table is. The hash is keyed, lest a client choose addresses that crowd one set.
 *
 * No pointers are in it, since each program has it somewhere else.
 */
#ifndef BOUNCED_INGEST_PEER_TABLE_H
#define BOUNCED_INGEST_PEER_TABLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "ingest/peer_limits.h"

#define PEER_TABLE_WAYS 8

struct peer_prefix {
	uint8_t bytes[8]; /* of IPv4 the first 4 */
	bool v6;
};

struct peer_entry {
	struct peer_prefix prefix;
	bool used;
	/* A token bucket that holds prefix_rate tokens and fills up in a minute: `spent_ms` is the
	 * time until it is full again, as of `at_ms`. */
	int64_t at_ms;
	int64_t spent_ms;
};

struct peer_seat {
	pid_t pid;     /* who counts on it; 0: nobody */
	unsigned open; /* its connections */
};

struct peer_table {
	uint64_t layout; /* of which program this is the memory */
	size_t size;     /* of the whole */
	unsigned sets;   /* a power of two */
	unsigned seats;
	uint64_t secret[2];
	pthread_mutex_t lock;
	unsigned prefix_connections; /* under the lock, like all that is no atomic */
	unsigned prefix_rate;
	_Atomic unsigned capacity;
	_Atomic unsigned connections;
	struct refusal_counters refusals;
};

/* A process's view of it. */
struct peer_limits {
	struct peer_table *table;
	struct peer_entry *entries; /* sets * WAYS */
	struct peer_seat *seats;
	uint16_t *held; /* [entry][seat] */
};

#endif
