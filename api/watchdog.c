/* SPDX-License-Identifier: Apache-2.0 */
#include "api/watchdog.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "core/timestamp.h"

/* How late a deadline may be noticed. */
#define TICK_MS 500

struct watch {
	struct watch *next, *previous;
	int fd;
	int64_t deadline;
};

struct watchdog {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t stop_asked;
	bool stopping;
	struct watch *first;
};

static void shut_overdue(struct watchdog *watchdog)
{
	int64_t now = time_monotonic_ms();

	for (struct watch *watch = watchdog->first; watch; watch = watch->next)
		if (watch->deadline <= now) {
			shutdown(watch->fd, SHUT_RDWR);
			watch->deadline = INT64_MAX;
		}
}

static void wait_for_tick(struct watchdog *watchdog)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += TICK_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&watchdog->stop_asked, &watchdog->mutex, &until);
}

static void *watchdog_main(void *context)
{
	struct watchdog *watchdog = context;

	pthread_mutex_lock(&watchdog->mutex);
	while (!watchdog->stopping) {
		shut_overdue(watchdog);
		wait_for_tick(watchdog);
	}
	pthread_mutex_unlock(&watchdog->mutex);
	return NULL;
}

static void watchdog_free(struct watchdog *watchdog)
{
	pthread_cond_destroy(&watchdog->stop_asked);
	pthread_mutex_destroy(&watchdog->mutex);
	free(watchdog);
}

struct watchdog *watchdog_start(void)
{
	struct watchdog *watchdog = calloc(1, sizeof(*watchdog));
	pthread_condattr_t attributes;

	if (!watchdog)
		abort();
	pthread_mutex_init(&watchdog->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&watchdog->stop_asked, &attributes);
	pthread_condattr_destroy(&attributes);
	if (pthread_create(&watchdog->thread, NULL, watchdog_main, watchdog) == 0)
		return watchdog;
	watchdog_free(watchdog);
	return NULL;
}

void watchdog_stop(struct watchdog *watchdog)
{
	if (!watchdog)
		return;
	pthread_mutex_lock(&watchdog->mutex);
	watchdog->stopping = true;
	pthread_cond_signal(&watchdog->stop_asked);
	pthread_mutex_unlock(&watchdog->mutex);
	pthread_join(watchdog->thread, NULL);
	watchdog_free(watchdog);
}

struct watch *watchdog_add(struct watchdog *watchdog, int fd, int64_t deadline)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		abort();
	watch->fd = fd;
	watch->deadline = deadline;
	pthread_mutex_lock(&watchdog->mutex);
	watch->next = watchdog->first;
	if (watch->next)
		watch->next->previous = watch;
	watchdog->first = watch;
	pthread_mutex_unlock(&watchdog->mutex);
	return watch;
}

void watchdog_set(struct watchdog *watchdog, struct watch *watch, int64_t deadline)
{
	pthread_mutex_lock(&watchdog->mutex);
	watch->deadline = deadline;
	pthread_mutex_unlock(&watchdog->mutex);
}

void watchdog_remove(struct watchdog *watchdog, struct watch *watch)
{
	pthread_mutex_lock(&watchdog->mutex);
	if (watch->next)
		watch->next->previous = watch->previous;
	if (watch->previous)
		watch->previous->next = watch->next;
	else
		watchdog->first = watch->next;
	pthread_mutex_unlock(&watchdog->mutex);
	free(watch);
}
