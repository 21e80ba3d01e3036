/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of all messages that a process holds, and how many there may be. Whoever keeps a
 * message's bytes adds them and takes them away again.
 *
 * What senders hold back counts against large messages only: a few who never end theirs must not
 * keep everybody else's reports out.
 */
#ifndef BOUNCED_INGEST_IN_FLIGHT_H
#define BOUNCED_INGEST_IN_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>

struct in_flight {
	size_t receiving; /* of messages whose end has not come */
	size_t waiting;   /* of messages that wait for their reply */
	size_t max;
	size_t share; /* a message of up to so many bytes is received in any case */
};

/* No message should begin. */
static inline bool in_flight_full(const struct in_flight *in_flight)
{
	return in_flight->waiting > in_flight->max;
}

/* A message that has `len` bytes, all counted already, may stay. */
static inline bool in_flight_fits(const struct in_flight *in_flight, size_t len)
{
	return len <= in_flight->share ||
	       in_flight->receiving + in_flight->waiting <= in_flight->max;
}

#endif
