/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why clients are turned away or cut off, each cause counted apart. The counters live in memory
 * that all processes share (peer_limits.h), so that they sum up by themselves and survive a crash.
 *
 * What RCPT refuses is counted in recipient.h.
 */
#ifndef BOUNCED_INGEST_REFUSAL_H
#define BOUNCED_INGEST_REFUSAL_H

#include <stdatomic.h>
#include <stdint.h>

/* The word is the metric's label. */
#define REFUSALS(X)                                                                                \
	X(CONNECTIONS, "connections") /* every slot of the service is taken */                     \
	X(DESCRIPTORS, "descriptors") /* so are the process's slots or descriptors */              \
	X(PREFIX_CONNECTIONS, "prefix_connections") /* too many at once from one network */        \
	X(PREFIX_RATE, "prefix_rate")               /* too many in a minute from one network */    \
	X(SYNCHRONIZATION, "synchronization")       /* talk before the greeting, or out of turn */ \
	X(FOREIGN, "foreign")                       /* HTTP or another protocol */                 \
	X(JUNK, "junk")                             /* a line without end */                       \
	X(ERRORS, "errors")                         /* one error too many in a session */          \
	X(MESSAGES, "messages")                     /* one message too many in a session */        \
	X(RECIPIENTS, "recipients")                 /* one recipient too many in a transaction */  \
	X(SIZE, "size")                             /* a message too large */                      \
	X(TIMEOUT, "timeout")     /* too slow with a command, a message or in all */               \
	X(UNREAD, "unread")       /* does not read its replies */                                  \
	X(DATABASE, "database")   /* MAIL while the database is away */                            \
	X(IN_FLIGHT, "in_flight") /* more in flight than there is room for */                      \
	X(LISTED, "listed")       /* a recipient, because a DNS block list has the client */

enum refusal {
#define X(name, word) REFUSED_##name,
	REFUSALS(X)
#undef X
		REFUSAL_COUNT
};

/* All zero to begin with; never reset. */
struct refusal_counters {
	_Atomic uint64_t count[REFUSAL_COUNT];
};

const char *refusal_word(enum refusal refusal);
/* counters: NULL counts nothing. */
void refusal_add(struct refusal_counters *counters, enum refusal refusal);
uint64_t refusal_read(const struct refusal_counters *counters, enum refusal refusal);

#endif
