/* SPDX-License-Identifier: Apache-2.0 */
/* One robust mutex guards the table; nothing under it calls the kernel or waits. */
#include "ingest/peer_limits.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "ingest/peer_table.h"

#define MINUTE_MS 60000

static void lock(struct peer_limits *limits)
{
	int error = pthread_mutex_lock(&limits->table->lock);

	/* Its holder died, at worst while it wrote an entry that nobody holds yet: any bytes there
	 * are an entry. What the dead one held is forgotten by its number. */
	if (error == EOWNERDEAD)
		error = pthread_mutex_consistent(&limits->table->lock);
	assert(error == 0);
}

static void unlock(struct peer_limits *limits)
{
	pthread_mutex_unlock(&limits->table->lock);
}

/* -- entries -- */

static struct peer_prefix prefix_of(const struct ip_address *peer)
{
	struct ip_address address = ip_unmap(*peer);
	struct peer_prefix prefix = { .v6 = address.v6 };

	memcpy(prefix.bytes, address.bytes, address.v6 ? 8 : 4);
	return prefix;
}

static bool prefix_equal(const struct peer_prefix *a, const struct peer_prefix *b)
{
	return a->v6 == b->v6 && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* The finaliser of splitmix64 (Steele et al. 2014) with a secret before each multiplication: mere
 * multiplication by a secret crowds sets for some secrets. */
static unsigned set_of(const struct peer_limits *limits, const struct peer_prefix *prefix)
{
	const struct peer_table *table = limits->table;
	uint64_t bytes;

	memcpy(&bytes, prefix->bytes, sizeof(bytes));
	bytes ^= table->secret[0] ^ (uint64_t)prefix->v6;
	bytes = (bytes ^ bytes >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	bytes = (bytes ^ bytes >> 27 ^ table->secret[1]) * UINT64_C(0x94d049bb133111eb);
	return (unsigned)(bytes ^ bytes >> 31) & (table->sets - 1);
}

static uint16_t *held_by(const struct peer_limits *limits, const struct peer_entry *entry)
{
	return &limits->held[(size_t)(entry - limits->entries) * limits->table->seats];
}

static unsigned held_by_all(const struct peer_limits *limits, const struct peer_entry *entry)
{
	const uint16_t *held = held_by(limits, entry);
	unsigned sum = 0;

	for (unsigned i = 0; i < limits->table->seats; i++)
		sum += held[i];
	return sum;
}

/* The prefix's entry, or a place for it: a free one, or that of the prefix seen least lately of
 * those without connections. NULL: every place has connections. */
static struct peer_entry *find(struct peer_limits *limits, const struct peer_prefix *prefix,
			       int64_t now_ms)
{
	struct peer_entry *set = &limits->entries[(size_t)set_of(limits, prefix) * PEER_TABLE_WAYS];
	struct peer_entry *place = NULL;

	for (struct peer_entry *entry = set; entry < set + PEER_TABLE_WAYS; entry++) {
		if (entry->used && prefix_equal(&entry->prefix, prefix))
			return entry;
		if (entry->used && held_by_all(limits, entry) > 0)
			continue;
		if (place == NULL || !entry->used || (place->used && entry->at_ms < place->at_ms))
			place = entry;
	}
	if (place != NULL)
		*place = (struct peer_entry){ .prefix = *prefix, .used = true, .at_ms = now_ms };
	return place;
}

/* Takes a token from the bucket. */
static bool take_token(const struct peer_limits *limits, struct peer_entry *entry, int64_t now_ms)
{
	if (limits->table->prefix_rate == 0)
		return true;
	int64_t price_ms = MINUTE_MS / (int64_t)limits->table->prefix_rate;
	int64_t spent_ms = entry->spent_ms - (now_ms - entry->at_ms);

	if (spent_ms < 0)
		spent_ms = 0;
	bool enough = spent_ms + price_ms <= MINUTE_MS;

	entry->at_ms = now_ms;
	entry->spent_ms = enough ? spent_ms + price_ms : spent_ms;
	return enough;
}

/* Under the lock. REFUSAL_COUNT: not refused. */
static enum refusal claim(struct peer_limits *limits, unsigned seat, const struct ip_address *peer,
			  int64_t now_ms, struct peer_ticket *ticket)
{
	const struct peer_prefix prefix = prefix_of(peer);
	struct peer_entry *entry = find(limits, &prefix, now_ms);
	unsigned limit = limits->table->prefix_connections;

	if (entry == NULL)
		return REFUSAL_COUNT;
	if (limit > 0 && held_by_all(limits, entry) >= limit)
		return REFUSED_PREFIX_CONNECTIONS;
	if (!take_token(limits, entry, now_ms))
		return REFUSED_PREFIX_RATE;
	if (held_by(limits, entry)[seat] == UINT16_MAX)
		return REFUSAL_COUNT;
	held_by(limits, entry)[seat]++;
	ticket->entry = (int32_t)(entry - limits->entries);
	return REFUSAL_COUNT;
}

static void release(struct peer_limits *limits, unsigned seat, struct peer_ticket *ticket)
{
	if (ticket->entry >= 0)
		held_by(limits, &limits->entries[ticket->entry])[seat]--;
	*ticket = PEER_TICKET_NONE;
}

static bool count_refusal(struct peer_limits *limits, enum refusal refusal)
{
	if (refusal == REFUSAL_COUNT)
		return false;
	refusal_add(&limits->table->refusals, refusal);
	return true;
}

/* The sum is kept for readers without the lock. */
static void sum_up(struct peer_limits *limits)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < limits->table->seats; i++)
		sum += limits->seats[i].open;
	atomic_store_explicit(&limits->table->connections, sum, memory_order_relaxed);
}

/* -- connections -- */

bool peer_limits_open(struct peer_limits *limits, unsigned seat, const struct ip_address *peer,
		      int64_t now_ms, struct peer_ticket *ret_ticket)
{
	struct peer_ticket ticket = PEER_TICKET_NONE;
	enum refusal refusal = REFUSAL_COUNT;

	assert(seat < limits->table->seats);
	lock(limits);
	if (peer_limits_connections(limits) >= peer_limits_capacity(limits))
		refusal = REFUSED_CONNECTIONS;
	else if (peer != NULL)
		refusal = claim(limits, seat, peer, now_ms, &ticket);
	if (refusal == REFUSAL_COUNT) {
		limits->seats[seat].open++;
		ticket.open = true;
		sum_up(limits);
	}
	unlock(limits);
	if (count_refusal(limits, refusal))
		return false;
	*ret_ticket = ticket;
	return true;
}

bool peer_limits_claim(struct peer_limits *limits, unsigned seat, const struct ip_address *peer,
		       int64_t now_ms, struct peer_ticket *ticket)
{
	enum refusal refusal;

	assert(seat < limits->table->seats && ticket->open && ticket->entry < 0);
	lock(limits);
	refusal = claim(limits, seat, peer, now_ms, ticket);
	unlock(limits);
	return !count_refusal(limits, refusal);
}

void peer_limits_close(struct peer_limits *limits, unsigned seat, struct peer_ticket *ticket)
{
	if (!ticket->open)
		return;
	lock(limits);
	limits->seats[seat].open--;
	sum_up(limits);
	release(limits, seat, ticket);
	unlock(limits);
}

/* -- seats -- */

/* Under the lock. */
static void forget(struct peer_limits *limits, unsigned seat)
{
	size_t entries = (size_t)limits->table->sets * PEER_TABLE_WAYS;

	for (size_t i = 0; i < entries; i++)
		if (limits->entries[i].used)
			held_by(limits, &limits->entries[i])[seat] = 0;
	limits->seats[seat] = (struct peer_seat){ 0 };
	sum_up(limits);
}

unsigned peer_limits_free_seats(const struct peer_limits *limits)
{
	unsigned count = 0;

	for (unsigned i = 0; i < limits->table->seats; i++)
		count += limits->seats[i].pid == 0;
	return count;
}

bool peer_limits_find_seat(const struct peer_limits *limits, unsigned *ret_seat)
{
	for (unsigned i = 0; i < limits->table->seats; i++) {
		if (limits->seats[i].pid != 0)
			continue;
		*ret_seat = i;
		return true;
	}
	return false;
}

void peer_limits_sit(struct peer_limits *limits, unsigned seat, pid_t pid)
{
	assert(seat < limits->table->seats && limits->seats[seat].pid == 0);
	limits->seats[seat].pid = pid;
}

void peer_limits_leave(struct peer_limits *limits, pid_t pid)
{
	lock(limits);
	for (unsigned i = 0; i < limits->table->seats; i++)
		if (limits->seats[i].pid == pid)
			forget(limits, i);
	unlock(limits);
}

/* -- all of it -- */

void peer_limits_configure(struct peer_limits *limits, const struct peer_limits_options *options)
{
	lock(limits);
	atomic_store_explicit(&limits->table->capacity, options->connections, memory_order_relaxed);
	limits->table->prefix_connections = options->prefix_connections;
	limits->table->prefix_rate = options->prefix_rate;
	unlock(limits);
}

unsigned peer_limits_connections(const struct peer_limits *limits)
{
	return atomic_load_explicit(&limits->table->connections, memory_order_relaxed);
}

unsigned peer_limits_capacity(const struct peer_limits *limits)
{
	return atomic_load_explicit(&limits->table->capacity, memory_order_relaxed);
}

struct refusal_counters *peer_limits_refusals(struct peer_limits *limits)
{
	return &limits->table->refusals;
}
