/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set-associative table: a client has its entry in one of the WAYS places of its set. The hash is
 * keyed, lest somebody choose addresses that crowd one set.
 */
#include "ingest/listing_cache.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

#define WAYS 8

struct entry {
	struct ip_address client;
	listing_bits listed;
	int64_t used_ms;  /* when it was last asked about */
	int64_t until_ms; /* 0: the place is free */
};

struct listing_cache {
	size_t sets; /* a power of two */
	uint64_t secret[3];
	struct entry *entries; /* sets * WAYS */
};

struct listing_cache *listing_cache_new(size_t size)
{
	struct listing_cache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL)
		abort();
	cache->sets = 1;
	while (cache->sets * WAYS < size)
		cache->sets *= 2;
	cache->entries = calloc(cache->sets * WAYS, sizeof(struct entry));
	if (cache->entries == NULL)
		abort();
	random_bytes((uint8_t *)cache->secret, sizeof(cache->secret));
	return cache;
}

void listing_cache_free(struct listing_cache *cache)
{
	if (cache == NULL)
		return;
	free(cache->entries);
	free(cache);
}

/* Multiplication by secret odd numbers, high bits (Dietzfelbinger et al. 1997). */
static struct entry *set_of(const struct listing_cache *cache, const struct ip_address *client)
{
	uint64_t half[2];

	memcpy(half, client->bytes, sizeof(half));
	uint64_t hash = (half[0] ^ (uint64_t)client->v6) * (cache->secret[0] | 1) +
			half[1] * (cache->secret[1] | 1);

	hash = (hash ^ hash >> 32) * (cache->secret[2] | 1);
	return &cache->entries[(hash >> 32 & (cache->sets - 1)) * WAYS];
}

/* Of IPv4 only 4 bytes mean something. */
static struct ip_address key_of(const struct ip_address *client)
{
	struct ip_address key = { .v6 = client->v6 };

	memcpy(key.bytes, client->bytes, client->v6 ? 16 : 4);
	return key;
}

static bool is_of(const struct entry *entry, const struct ip_address *key)
{
	return entry->until_ms > 0 && entry->client.v6 == key->v6 &&
	       memcmp(entry->client.bytes, key->bytes, sizeof(key->bytes)) == 0;
}

bool listing_cache_find(struct listing_cache *cache, const struct ip_address *client,
			int64_t now_ms, listing_bits *ret_listed)
{
	struct ip_address key = key_of(client);
	struct entry *set = set_of(cache, &key);

	for (struct entry *entry = set; entry < set + WAYS; entry++) {
		if (!is_of(entry, &key))
			continue;
		if (entry->until_ms <= now_ms)
			return false;
		entry->used_ms = now_ms;
		*ret_listed = entry->listed;
		return true;
	}
	return false;
}

static bool is_over(const struct entry *entry, int64_t now_ms)
{
	return entry->until_ms <= now_ms;
}

void listing_cache_put(struct listing_cache *cache, const struct ip_address *client,
		       listing_bits listed, int64_t now_ms, int64_t until_ms)
{
	struct ip_address key = key_of(client);
	struct entry *set = set_of(cache, &key), *place = set;

	for (struct entry *entry = set; entry < set + WAYS; entry++) {
		if (is_of(entry, &key)) {
			place = entry;
			break;
		}
		if (!is_over(place, now_ms) &&
		    (is_over(entry, now_ms) || entry->used_ms < place->used_ms))
			place = entry;
	}
	*place = (struct entry){ key, listed, now_ms, until_ms };
}
