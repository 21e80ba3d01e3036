/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds how many connections, and how fast they come: one table for all ingest processes, in
 * memory that they share. Clients are counted by prefix: an IPv4 address, or the /64 of an IPv6
 * address, which one customer has to himself.
 *
 * The table has a fixed size. Prefixes without connections give way to new ones; where none can,
 * which takes as many connections as the service has slots, a prefix goes uncounted, and the limit
 * on all connections still holds.
 *
 * Every process counts on a seat of its own, so that what a dead one held can be taken back; the
 * supervisor gives seats away. A process that dies within a call leaves the table whole. It lives
 * on in the descriptor of its memory, for a program that takes the place of this one. Time is an
 * input: monotonic ms, the same in all processes.
 */
#ifndef BOUNCED_INGEST_PEER_LIMITS_H
#define BOUNCED_INGEST_PEER_LIMITS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/network.h"
#include "ingest/refusal.h"

struct peer_limits_options {
	unsigned seats;              /* at least 1; they are numbered from 0 */
	unsigned connections;        /* of all processes together, at least 1 */
	unsigned prefix_connections; /* of one prefix at once; 0: any number */
	unsigned prefix_rate;        /* of one prefix in a minute; 0: any number */
};

/* Where a connection is counted. */
struct peer_ticket {
	bool open;     /* among all connections */
	int32_t entry; /* and in this one of the table; -1: in none */
};

#define PEER_TICKET_NONE ((struct peer_ticket){ .entry = -1 })

struct peer_limits;

/* Aborts where there is no memory. *ret_fd: that of the memory, close-on-exec, the caller's. */
struct peer_limits *peer_limits_new(const struct peer_limits_options *options, int *ret_fd);
/* What another program made; NULL: this one would not understand it. The descriptor is borrowed. */
struct peer_limits *peer_limits_adopt(int fd);
/* This process's view of it. */
void peer_limits_free(struct peer_limits *limits);

/* Whether the table is large enough for them. */
bool peer_limits_fit(const struct peer_limits *limits, const struct peer_limits_options *options);
/* Other limits from now on; seats stay as they are. */
void peer_limits_configure(struct peer_limits *limits, const struct peer_limits_options *options);

/* For the supervisor. false: all seats are taken. */
bool peer_limits_find_seat(const struct peer_limits *limits, unsigned *ret_seat);
unsigned peer_limits_free_seats(const struct peer_limits *limits);
void peer_limits_sit(struct peer_limits *limits, unsigned seat, pid_t pid);
/* The process has ended: what it held is free again, and so is its seat. No-op where it has none.
 */
void peer_limits_leave(struct peer_limits *limits, pid_t pid);

/*
 * One connection more, on a seat. peer: NULL leaves the limits of a prefix out. false: refused,
 * nothing was counted but the refusal.
 */
bool peer_limits_open(struct peer_limits *limits, unsigned seat, const struct ip_address *peer,
		      int64_t now_ms, struct peer_ticket *ret_ticket);
/* For a connection that came from a proxy: the limits of the client's prefix, once it is known. */
bool peer_limits_claim(struct peer_limits *limits, unsigned seat, const struct ip_address *peer,
		       int64_t now_ms, struct peer_ticket *ticket);
/* The connection is gone; the ticket is none afterwards. */
void peer_limits_close(struct peer_limits *limits, unsigned seat, struct peer_ticket *ticket);

/* Connections of all processes, and how many there may be. */
unsigned peer_limits_connections(const struct peer_limits *limits);
unsigned peer_limits_capacity(const struct peer_limits *limits);
struct refusal_counters *peer_limits_refusals(struct peer_limits *limits);

#endif
