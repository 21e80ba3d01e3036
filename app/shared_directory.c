/* SPDX-License-Identifier: Apache-2.0 */
#include "app/shared_directory.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/timestamp.h"
#include "store/directory.h"

/* How long a caller of refresh waits for the database. */
#define REFRESH_WAIT_S 5

struct shared_directory {
	pthread_t thread;
	int wake_fd;
	struct directory_loader *loader; /* the thread's */

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t attempted;
	struct directory *directory;
	uint64_t attempts; /* loads that ended, well or not */
	bool last_failed;
	bool wanted; /* somebody waits for a load */
	bool stopping;
};

static void wake(struct shared_directory *shared)
{
	uint64_t one = 1;
	ssize_t written = write(shared->wake_fd, &one, sizeof(one));

	(void)written; /* a full counter wakes just as well */
}

/* -- the thread -- */

static void take_result(struct shared_directory *shared, struct directory *fresh)
{
	struct directory *old = fresh;

	pthread_mutex_lock(&shared->mutex);
	if (fresh) {
		old = shared->directory;
		shared->directory = fresh;
	}
	shared->last_failed = !fresh;
	shared->attempts++;
	pthread_cond_broadcast(&shared->attempted);
	pthread_mutex_unlock(&shared->mutex);
	directory_free(old);
}

static void wait_for_work(struct shared_directory *shared, int64_t next)
{
	int64_t deadline = directory_loader_deadline(shared->loader);
	int64_t left = (deadline < next ? deadline : next) - time_monotonic_ms();
	short events = directory_loader_wants_write(shared->loader) ? POLLIN | POLLOUT : POLLIN;
	struct pollfd fds[] = {
		{ .fd = shared->wake_fd, .events = POLLIN },
		{ .fd = directory_loader_fd(shared->loader), .events = events },
	};
	uint64_t count;

	(void)poll(fds, 2, left > 0 ? (int)left : 0);
	if (fds[0].revents) {
		ssize_t got = read(shared->wake_fd, &count, sizeof(count));

		(void)got; /* non-blocking; only empties the counter */
	}
}

static void *run(void *context)
{
	struct shared_directory *shared = context;
	int64_t next = 0;
	bool stopping = false;

	while (!stopping) {
		struct directory *fresh = NULL;
		int64_t now = time_monotonic_ms();

		pthread_mutex_lock(&shared->mutex);
		bool request = shared->wanted || now >= next;

		stopping = shared->stopping;
		shared->wanted = false;
		pthread_mutex_unlock(&shared->mutex);
		if (request) {
			directory_loader_request(shared->loader);
			next = now + LIMIT_DIRECTORY_REFRESH_MS;
		}
		if (directory_loader_step(shared->loader, now, &fresh) != DIRECTORY_WAIT)
			take_result(shared, fresh);
		else if (!stopping)
			wait_for_work(shared, next);
	}
	return NULL;
}

/* -- for other threads -- */

static void release(struct shared_directory *shared)
{
	pthread_mutex_destroy(&shared->mutex);
	pthread_cond_destroy(&shared->attempted);
	directory_loader_free(shared->loader);
	directory_free(shared->directory);
	close(shared->wake_fd);
	free(shared);
}

struct shared_directory *shared_directory_start(const char *dsn, const uint8_t *master_key)
{
	struct shared_directory *shared = calloc(1, sizeof(*shared));

	if (!shared)
		abort();
	shared->loader = directory_loader_new(dsn, master_key);
	shared->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&shared->mutex, NULL);
	pthread_cond_init(&shared->attempted, NULL);
	if (shared->wake_fd >= 0 && pthread_create(&shared->thread, NULL, run, shared) == 0)
		return shared;
	release(shared);
	return NULL;
}

void shared_directory_stop(struct shared_directory *shared)
{
	if (!shared)
		return;
	pthread_mutex_lock(&shared->mutex);
	shared->stopping = true;
	pthread_mutex_unlock(&shared->mutex);
	wake(shared);
	pthread_join(shared->thread, NULL);
	release(shared);
}

const struct directory *shared_directory_lock(struct shared_directory *shared)
{
	pthread_mutex_lock(&shared->mutex);
	if (shared->directory)
		return shared->directory;
	pthread_mutex_unlock(&shared->mutex);
	return NULL;
}

void shared_directory_unlock(struct shared_directory *shared)
{
	pthread_mutex_unlock(&shared->mutex);
}

static struct timespec wait_deadline(void)
{
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += REFRESH_WAIT_S;
	return deadline;
}

/* Until one load more than `before` has ended; false when that takes too long. Under the mutex. */
static bool wait_attempt(struct shared_directory *shared, uint64_t before)
{
	const struct timespec deadline = wait_deadline();

	while (shared->attempts == before) {
		if (pthread_cond_timedwait(&shared->attempted, &shared->mutex, &deadline) != 0)
			return false;
	}
	return true;
}

bool shared_directory_wait(struct shared_directory *shared)
{
	pthread_mutex_lock(&shared->mutex);
	bool loaded = shared->attempts > 0 || wait_attempt(shared, 0);

	loaded = loaded && shared->directory;
	pthread_mutex_unlock(&shared->mutex);
	return loaded;
}

static bool is_fresh(const struct shared_directory *shared)
{
	return shared->directory &&
	       time_monotonic_ms() - shared->directory->loaded_at < LIMIT_DIRECTORY_FORCED_MS;
}

bool shared_directory_refresh(struct shared_directory *shared)
{
	bool loaded = false;

	pthread_mutex_lock(&shared->mutex);
	if (!is_fresh(shared)) {
		/* A load that is under way may have read before what the caller looks for was
		 * written, but what it brings is newer than what the caller has seen. */
		shared->wanted = true;
		wake(shared);
		loaded = wait_attempt(shared, shared->attempts) && !shared->last_failed;
	}
	pthread_mutex_unlock(&shared->mutex);
	return loaded;
}
