/* SPDX-License-Identifier: Apache-2.0 */
#include "app/watch.h"

#include <stdlib.h>

#include "core/timestamp.h"

struct watch {
	struct event *io;
	struct event *timer;
	int fd;
	bool writing;
	int64_t deadline;
	void (*ready)(void *context);
	void *context;
};

static void on_event(evutil_socket_t fd, short what, void *context)
{
	struct watch *watch = context;

	(void)fd;
	if ((what & EV_TIMEOUT) != 0)
		watch->deadline = INT64_MAX;
	watch->ready(watch->context);
}

struct watch *watch_new(struct event_base *base, void (*ready)(void *context), void *context)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		abort();
	*watch = (struct watch){
		.fd = -1, .deadline = INT64_MAX, .ready = ready, .context = context
	};
	watch->io = event_new(base, -1, 0, on_event, watch);
	watch->timer = event_new(base, -1, 0, on_event, watch);
	if (watch->io == NULL || watch->timer == NULL)
		abort();
	return watch;
}

void watch_free(struct watch *watch)
{
	if (watch == NULL)
		return;
	event_free(watch->io);
	event_free(watch->timer);
	free(watch);
}

static void watch_io(struct watch *watch, int fd, bool wants_write)
{
	short what = (short)(EV_PERSIST | EV_READ | (wants_write ? EV_WRITE : 0));

	event_del(watch->io);
	watch->fd = fd;
	watch->writing = wants_write;
	if (fd < 0)
		return;
	if (event_assign(watch->io, event_get_base(watch->timer), fd, what, on_event, watch) != 0 ||
	    event_add(watch->io, NULL) != 0)
		abort();
}

void watch_update(struct watch *watch, int fd, bool changed, bool wants_write, int64_t deadline_ms)
{
	if (changed || fd != watch->fd || wants_write != watch->writing)
		watch_io(watch, fd, wants_write);
	if (deadline_ms == watch->deadline)
		return;
	watch->deadline = deadline_ms;
	event_del(watch->timer);
	if (deadline_ms == INT64_MAX)
		return;
	int64_t left = deadline_ms - time_monotonic_ms();
	struct timeval wait = { .tv_sec = left > 0 ? left / 1000 : 0,
				.tv_usec = left > 0 ? left % 1000 * 1000 : 0 };

	if (event_add(watch->timer, &wait) != 0)
		abort();
}
