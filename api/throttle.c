/* SPDX-License-Identifier: Apache-2.0 */
#include "api/throttle.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

#define SETS 1024
#define WAYS 4

struct bucket {
	uint64_t key;    /* digest of the key; 0: free */
	int64_t full_at; /* when all its hits will have come back */
};

struct throttle {
	pthread_mutex_t mutex;
	int64_t cost_ms; /* one hit takes so long to come back */
	int64_t period_ms;
	uint8_t salt[16];
	struct bucket sets[SETS][WAYS];
};

struct throttle *throttle_new(unsigned burst, unsigned period_ms)
{
	struct throttle *throttle = calloc(1, sizeof(*throttle));

	if (!throttle)
		abort();
	assert(burst > 0);
	pthread_mutex_init(&throttle->mutex, NULL);
	throttle->cost_ms = period_ms / burst;
	throttle->period_ms = period_ms;
	random_bytes(throttle->salt, sizeof(throttle->salt));
	return throttle;
}

void throttle_free(struct throttle *throttle)
{
	if (!throttle)
		return;
	pthread_mutex_destroy(&throttle->mutex);
	free(throttle);
}

/* Salted, so that nobody can aim at another key's set. */
static uint64_t key_digest(const struct throttle *throttle, struct slice key)
{
	const struct slice pieces[] = {
		slice_from((const char *)throttle->salt, sizeof(throttle->salt)), key
	};
	uint8_t digest[SHA256_LEN];
	uint64_t value;

	sha256_pieces(pieces, 2, digest);
	memcpy(&value, digest, sizeof(value));
	return value == 0 ? 1 : value;
}

static struct bucket *bucket_find(struct throttle *throttle, uint64_t key)
{
	struct bucket *set = throttle->sets[key % SETS], *oldest = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].full_at < oldest->full_at)
			oldest = &set[i];
	}
	*oldest = (struct bucket){ .key = key };
	return oldest;
}

unsigned throttle_hit(struct throttle *throttle, struct slice key, int64_t now_ms)
{
	uint64_t digest = key_digest(throttle, key);
	struct bucket *bucket;
	int64_t full_at;

	pthread_mutex_lock(&throttle->mutex);
	bucket = bucket_find(throttle, digest);
	full_at = bucket->full_at > now_ms ? bucket->full_at : now_ms;
	if (full_at + throttle->cost_ms <= now_ms + throttle->period_ms)
		bucket->full_at = full_at += throttle->cost_ms;
	else
		full_at += throttle->cost_ms; /* refused: nothing is taken */
	pthread_mutex_unlock(&throttle->mutex);
	return full_at <= now_ms + throttle->period_ms
		       ? 0
		       : (unsigned)(full_at - now_ms - throttle->period_ms);
}
