/* SPDX-License-Identifier: Apache-2.0 */
/* How the memory is made, found again by another program, and given back. */
#include "ingest/peer_table.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"

/* Places for each connection that there may be: sets so seldom fill up. */
#define PLACES_PER_CONNECTION 4
/* To be raised when the meaning of a member changes. */
#define VERSION 2

struct parts {
	size_t entries_at;
	size_t seats_at;
	size_t held_at;
	size_t size;
};

static struct parts parts_of(unsigned sets, unsigned seats)
{
	size_t entries = (size_t)sets * PEER_TABLE_WAYS;
	struct parts parts = { .entries_at = sizeof(struct peer_table) };

	parts.seats_at = parts.entries_at + entries * sizeof(struct peer_entry);
	parts.held_at = parts.seats_at + seats * sizeof(struct peer_seat);
	parts.size = parts.held_at + entries * seats * sizeof(uint16_t);
	return parts;
}

/* Programs with the same sizes of everything understand each other's memory. */
static uint64_t layout(void)
{
	return (uint64_t)VERSION << 48 | (uint64_t)REFUSAL_COUNT << 32 |
	       (uint64_t)sizeof(struct peer_entry) << 16 | (uint64_t)sizeof(struct peer_table);
}

static unsigned count_sets(unsigned connections)
{
	unsigned sets = 16;

	while ((uint64_t)sets * PEER_TABLE_WAYS < (uint64_t)connections * PLACES_PER_CONNECTION)
		sets *= 2;
	return sets;
}

static struct peer_limits *view(void *memory, unsigned sets, unsigned seats)
{
	struct peer_limits *limits = calloc(1, sizeof(*limits));
	struct parts parts = parts_of(sets, seats);
	char *bytes = memory;

	if (limits == NULL)
		abort();
	limits->table = memory;
	limits->entries = (void *)(bytes + parts.entries_at);
	limits->seats = (void *)(bytes + parts.seats_at);
	limits->held = (void *)(bytes + parts.held_at);
	return limits;
}

static void *map(int fd, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
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

struct peer_limits *peer_limits_new(const struct peer_limits_options *options, int *ret_fd)
{
	assert(options->seats > 0 && options->connections > 0);
	unsigned sets = count_sets(options->connections);
	size_t size = parts_of(sets, options->seats).size;
	int fd = memfd_create("peer-limits", MFD_CLOEXEC);
	void *memory = fd >= 0 && ftruncate(fd, (off_t)size) == 0 ? map(fd, size) : NULL;

	if (memory == NULL)
		abort();
	struct peer_limits *limits = view(memory, sets, options->seats);
	struct peer_table *table = limits->table;

	table->layout = layout();
	table->size = size;
	table->sets = sets;
	table->seats = options->seats;
	random_bytes((uint8_t *)table->secret, sizeof(table->secret));
	init_lock(&table->lock);
	peer_limits_configure(limits, options);
	*ret_fd = fd;
	return limits;
}

static bool is_whole(const struct peer_table *table, size_t size)
{
	return table->layout == layout() && table->size == size && table->sets > 0 &&
	       (table->sets & (table->sets - 1)) == 0 && table->seats > 0 &&
	       parts_of(table->sets, table->seats).size == size;
}

struct peer_limits *peer_limits_adopt(int fd)
{
	struct stat status;
	size_t size;

	if (fstat(fd, &status) < 0 || status.st_size < (off_t)sizeof(struct peer_table))
		return NULL;
	size = (size_t)status.st_size;
	struct peer_table *table = map(fd, size);

	if (table != NULL && is_whole(table, size))
		return view(table, table->sets, table->seats);
	if (table != NULL)
		munmap(table, size);
	return NULL;
}

void peer_limits_free(struct peer_limits *limits)
{
	if (limits == NULL)
		return;
	munmap(limits->table, limits->table->size);
	free(limits);
}

bool peer_limits_fit(const struct peer_limits *limits, const struct peer_limits_options *options)
{
	return count_sets(options->connections) <= limits->table->sets &&
	       options->seats <= limits->table->seats;
}
