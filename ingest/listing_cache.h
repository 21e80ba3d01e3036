/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which block lists a client was found on, remembered for a while. Of a fixed size: of those that
 * share a place, the one not asked about for longest gives way. Time is an input: monotonic ms.
 */
#ifndef BOUNCED_INGEST_LISTING_CACHE_H
#define BOUNCED_INGEST_LISTING_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/network.h"

/* The lists that have the client, one bit each. */
typedef uint32_t listing_bits;

struct listing_cache;

/* size: of how many clients, rounded up. Caller frees. */
struct listing_cache *listing_cache_new(size_t size);
void listing_cache_free(struct listing_cache *cache);

/* false: nothing is known of the client now. */
bool listing_cache_find(struct listing_cache *cache, const struct ip_address *client,
			int64_t now_ms, listing_bits *ret_listed);
/* Replaces what was known of it. */
void listing_cache_put(struct listing_cache *cache, const struct ip_address *client,
		       listing_bits listed, int64_t now_ms, int64_t until_ms);

#endif
