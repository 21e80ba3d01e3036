/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set-associative hash table: a prefix has its entry in one of the WAYS places of its set, so
 * that a look-up costs the same however full the table is. The hash is keyed, lest a client choose
 * addresses that crowd one set.
 *
 * One robust mutex guards the table; nothing under it calls the kernel or waits.
 */
#include "ingest/peer_limits.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/rand.h>

#define WAYS 8
/* Places for each connection that there may be: sets so seldom fill up. */
#define PLACES_PER_CONNECTION 4
#define MINUTE_MS             60000

struct prefix {
	uint8_t bytes[8]; /* of IPv4 the first 4 */
	bool v6;
};

struct entry {
	struct prefix prefix;
	bool used;
	/* A token bucket that holds prefix_rate tokens and fills up in a minute: `spent_ms` is the
	 * time until it is full again, as of `at_ms`. */
	int64_t at_ms;
	int64_t spent_ms;
};

struct peer_limits {
	struct peer_limits_options options;
	size_t size; /* of the whole mapping */
	unsigned sets;
	uint64_t secret[2];
	pthread_mutex_t lock;
	struct refusal_counters refusals;
	_Atomic unsigned connections;
	/* Behind this struct: */
	unsigned *open;        /* connections of each process */
	struct entry *entries; /* sets * WAYS */
	uint16_t *held;        /* [entry][process] */
};

/* -- life -- */

static unsigned count_sets(unsigned connections)
{
	unsigned sets = 16;

	while ((uint64_t)sets * WAYS < (uint64_t)connections * PLACES_PER_CONNECTION)
		sets *= 2;
	return sets;
}

static void init_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attributes;

	if (pthread_mutexattr_init(&attributes) != 0 ||
	    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) != 0 ||
	    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) != 0 ||
	    pthread_mutex_init(lock, &attributes) != 0)
		abort();
	pthread_mutexattr_destroy(&attributes);
}

struct peer_limits *peer_limits_new(const struct peer_limits_options *options)
{
	assert(options->processes > 0 && options->connections > 0);
	unsigned sets = count_sets(options->connections);
	size_t entries = (size_t)sets * WAYS;
	size_t entries_at = sizeof(struct peer_limits);
	size_t open_at = entries_at + entries * sizeof(struct entry);
	size_t held_at = open_at + options->processes * sizeof(unsigned);
	size_t size = held_at + entries * options->processes * sizeof(uint16_t);
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct peer_limits *limits = (void *)memory;

	if (memory == MAP_FAILED)
		abort();
	limits->options = *options;
	limits->size = size;
	limits->sets = sets;
	limits->entries = (void *)(memory + entries_at);
	limits->open = (void *)(memory + open_at);
	limits->held = (void *)(memory + held_at);
	if (RAND_bytes((void *)limits->secret, sizeof(limits->secret)) != 1)
		abort();
	init_lock(&limits->lock);
	return limits;
}

void peer_limits_free(struct peer_limits *limits)
{
	if (limits != NULL)
		munmap(limits, limits->size);
}

static void lock(struct peer_limits *limits)
{
	int error = pthread_mutex_lock(&limits->lock);

	/* Its holder died, at worst while it wrote an entry that nobody holds yet: any bytes there
	 * are an entry. What the dead one held is forgotten by its number. */
	if (error == EOWNERDEAD)
		error = pthread_mutex_consistent(&limits->lock);
	assert(error == 0);
}

static void unlock(struct peer_limits *limits)
{
	pthread_mutex_unlock(&limits->lock);
}

/* -- entries -- */

static struct prefix prefix_of(const struct ip_address *peer)
{
	struct ip_address address = ip_unmap(*peer);
	struct prefix prefix = { .v6 = address.v6 };

	memcpy(prefix.bytes, address.bytes, address.v6 ? 8 : 4);
	return prefix;
}

static bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->v6 == b->v6 && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Multiplication by a secret odd number, high bits (Dietzfelbinger et al. 1997). */
static unsigned set_of(const struct peer_limits *limits, const struct prefix *prefix)
{
	uint64_t bytes;

	memcpy(&bytes, prefix->bytes, sizeof(bytes));
	bytes = (bytes ^ limits->secret[0] ^ (uint64_t)prefix->v6) * (limits->secret[1] | 1);
	bytes ^= bytes >> 32;
	return (unsigned)((bytes * (limits->secret[0] | 1)) >> 40) & (limits->sets - 1);
}

static uint16_t *held_by(const struct peer_limits *limits, const struct entry *entry)
{
	return &limits->held[(size_t)(entry - limits->entries) * limits->options.processes];
}

static unsigned held_by_all(const struct peer_limits *limits, const struct entry *entry)
{
	const uint16_t *held = held_by(limits, entry);
	unsigned sum = 0;

	for (unsigned i = 0; i < limits->options.processes; i++)
		sum += held[i];
	return sum;
}

/* The prefix's entry, or a place for it: a free one, or that of the prefix seen least lately of
 * those without connections. NULL: every place has connections. */
static struct entry *find(struct peer_limits *limits, const struct prefix *prefix, int64_t now_ms)
{
	struct entry *set = &limits->entries[(size_t)set_of(limits, prefix) * WAYS];
	struct entry *place = NULL;

	for (struct entry *entry = set; entry < set + WAYS; entry++) {
		if (entry->used && prefix_equal(&entry->prefix, prefix))
			return entry;
		if (entry->used && held_by_all(limits, entry) > 0)
			continue;
		if (place == NULL || !entry->used || (place->used && entry->at_ms < place->at_ms))
			place = entry;
	}
	if (place != NULL)
		*place = (struct entry){ .prefix = *prefix, .used = true, .at_ms = now_ms };
	return place;
}

/* Takes a token from the bucket. */
static bool take_token(const struct peer_limits *limits, struct entry *entry, int64_t now_ms)
{
	if (limits->options.prefix_rate == 0)
		return true;
	int64_t price_ms = MINUTE_MS / (int64_t)limits->options.prefix_rate;
	int64_t spent_ms = entry->spent_ms - (now_ms - entry->at_ms);

	if (spent_ms < 0)
		spent_ms = 0;
	bool enough = spent_ms + price_ms <= MINUTE_MS;

	entry->at_ms = now_ms;
	entry->spent_ms = enough ? spent_ms + price_ms : spent_ms;
	return enough;
}

/* Under the lock. REFUSAL_COUNT: not refused. */
static enum refusal claim(struct peer_limits *limits, unsigned process,
			  const struct ip_address *peer, int64_t now_ms, struct peer_ticket *ticket)
{
	const struct prefix prefix = prefix_of(peer);
	struct entry *entry = find(limits, &prefix, now_ms);
	unsigned limit = limits->options.prefix_connections;

	if (entry == NULL)
		return REFUSAL_COUNT;
	if (limit > 0 && held_by_all(limits, entry) >= limit)
		return REFUSED_PREFIX_CONNECTIONS;
	if (!take_token(limits, entry, now_ms))
		return REFUSED_PREFIX_RATE;
	if (held_by(limits, entry)[process] == UINT16_MAX)
		return REFUSAL_COUNT;
	held_by(limits, entry)[process]++;
	ticket->entry = (int32_t)(entry - limits->entries);
	return REFUSAL_COUNT;
}

static void release(struct peer_limits *limits, unsigned process, struct peer_ticket *ticket)
{
	if (ticket->entry >= 0)
		held_by(limits, &limits->entries[ticket->entry])[process]--;
	*ticket = PEER_TICKET_NONE;
}

static bool count_refusal(struct peer_limits *limits, enum refusal refusal)
{
	if (refusal == REFUSAL_COUNT)
		return false;
	refusal_add(&limits->refusals, refusal);
	return true;
}

/* The sum is kept for readers without the lock. */
static void sum_up(struct peer_limits *limits)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < limits->options.processes; i++)
		sum += limits->open[i];
	atomic_store_explicit(&limits->connections, sum, memory_order_relaxed);
}

/* -- connections -- */

bool peer_limits_open(struct peer_limits *limits, unsigned process, const struct ip_address *peer,
		      int64_t now_ms, struct peer_ticket *ret_ticket)
{
	struct peer_ticket ticket = PEER_TICKET_NONE;
	enum refusal refusal = REFUSAL_COUNT;

	assert(process < limits->options.processes);
	lock(limits);
	if (peer_limits_connections(limits) >= limits->options.connections)
		refusal = REFUSED_CONNECTIONS;
	else if (peer != NULL)
		refusal = claim(limits, process, peer, now_ms, &ticket);
	if (refusal == REFUSAL_COUNT) {
		limits->open[process]++;
		ticket.open = true;
		sum_up(limits);
	}
	unlock(limits);
	if (count_refusal(limits, refusal))
		return false;
	*ret_ticket = ticket;
	return true;
}

bool peer_limits_claim(struct peer_limits *limits, unsigned process, const struct ip_address *peer,
		       int64_t now_ms, struct peer_ticket *ticket)
{
	enum refusal refusal;

	assert(process < limits->options.processes && ticket->open && ticket->entry < 0);
	lock(limits);
	refusal = claim(limits, process, peer, now_ms, ticket);
	unlock(limits);
	return !count_refusal(limits, refusal);
}

void peer_limits_close(struct peer_limits *limits, unsigned process, struct peer_ticket *ticket)
{
	if (!ticket->open)
		return;
	lock(limits);
	limits->open[process]--;
	sum_up(limits);
	release(limits, process, ticket);
	unlock(limits);
}

void peer_limits_forget(struct peer_limits *limits, unsigned process)
{
	size_t entries = (size_t)limits->sets * WAYS;

	assert(process < limits->options.processes);
	lock(limits);
	for (size_t i = 0; i < entries; i++)
		if (limits->entries[i].used)
			held_by(limits, &limits->entries[i])[process] = 0;
	limits->open[process] = 0;
	sum_up(limits);
	unlock(limits);
}

unsigned peer_limits_connections(const struct peer_limits *limits)
{
	return atomic_load_explicit(&limits->connections, memory_order_relaxed);
}

unsigned peer_limits_capacity(const struct peer_limits *limits)
{
	return limits->options.connections;
}

struct refusal_counters *peer_limits_refusals(struct peer_limits *limits)
{
	return &limits->refusals;
}
