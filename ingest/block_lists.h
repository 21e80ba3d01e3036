/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks DNS block lists about clients: all lists at once, when a client connects, and again only
 * when the cache has forgotten what they said.
 *
 * Fails open: what a list has not said in time, or says in error, is that the client is not listed.
 * A list that failed is still asked, but nobody waits for it until it answers again.
 */
#ifndef BOUNCED_INGEST_BLOCK_LISTS_H
#define BOUNCED_INGEST_BLOCK_LISTS_H

#include <stdint.h>

#include <event2/event.h>

#include "core/arena.h"
#include "ingest/block_list.h"
#include "ingest/listing_cache.h"
#include "ingest/resolver.h"

struct block_lists_options {
	struct event_base *base;
	struct resolver_interface resolver;
	const struct block_list *lists; /* borrowed; 1 to BLOCK_LISTS_MAX */
	size_t count;
	int64_t timeout_ms; /* for an answer */
	int64_t listed_ms;  /* how long it is remembered of a client that it is listed … */
	int64_t clear_ms;   /* … or that it is not */
};

struct block_lists;

struct block_lists *block_lists_new(const struct block_lists_options *options);
/* Who waits is told now. */
void block_lists_free(struct block_lists *lists);

/* Begins to ask about a client of whom nothing is known and nothing asked. IPv4 within IPv6 is
 * IPv4, here and below. */
void block_lists_ask(struct block_lists *lists, const struct ip_address *client);

struct block_verdict {
	listing_bits listed;              /* as far as is known by now */
	const struct block_list *against; /* the strictest of them that is no tag; NULL: none */
	bool waiting; /* a list that would turn the client away has yet to answer */
};

struct block_verdict block_lists_find(struct block_lists *lists, const struct ip_address *client);

/* Calls back once, later, when the verdict about the client is no longer `waiting`, as it must be
 * now. */
void block_lists_wait(struct block_lists *lists, const struct ip_address *client,
		      void (*done)(void *context), void *context);

/* The names of the lists as flags of a report: "listed:a.example listed:b.example". */
struct slice block_lists_flags(const struct block_lists *lists, listing_bits listed,
			       struct arena *arena);

#endif
