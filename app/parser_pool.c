/* SPDX-License-Identifier: Apache-2.0 */
#include "app/parser_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/watch.h"
#include "core/log.h"
#include "core/timestamp.h"

/* A report seldom needs more; larger ones grow the arena. */
#define REPORT_ARENA 4096
/* Between two attempts to start a child that did not start. */
#define RESTART_MS 200

struct child {
	struct parser_pool *pool;
	struct parser_client *client;
	struct watch *watch;
	bool broken;        /* waits for a replacement */
	int64_t replace_at; /* then */
};

struct parser_pool {
	struct child *children;
	unsigned count;
	parser_pool_done *done;
	void *context;
};

static void update(struct child *child, bool changed)
{
	int64_t deadline =
		child->broken ? child->replace_at : parser_client_deadline(child->client);

	watch_update(child->watch, child->broken ? -1 : parser_client_fd(child->client), changed,
		     !child->broken && parser_client_wants_write(child->client), deadline);
}

static void deliver(struct child *child)
{
	for (;;) {
		struct arena *arena = arena_new(REPORT_ARENA);
		struct report report;
		void *tag;

		if (!parser_client_next(child->client, arena, &tag, &report)) {
			arena_free(arena);
			return;
		}
		child->pool->done(child->pool->context, tag, arena, &report);
	}
}

/* The message at fault comes out of deliver() as quarantined; the others were sent again. */
static void replace(struct child *child)
{
	pid_t old = parser_client_pid(child->client);

	child->broken = parser_client_replace(child->client, time_monotonic_ms()) != OK;
	child->replace_at = time_monotonic_ms() + RESTART_MS;
	log_event(LOG_WARNING, "parser_child_replaced", LOG_INT("old_pid", old),
		  LOG_INT("new_pid", child->broken ? -1 : parser_client_pid(child->client)),
		  LOG_INT("waiting", (int64_t)parser_client_pending(child->client)));
}

static void on_ready(void *context)
{
	struct child *child = context;
	bool replaced =
		child->broken || parser_client_pump(child->client, time_monotonic_ms()) != OK;

	deliver(child);
	if (replaced) {
		replace(child);
		deliver(child);
	}
	update(child, replaced);
}

enum err parser_pool_new(struct event_base *base, unsigned children,
			 const struct parser_options *options, parser_pool_done *done,
			 void *context, struct parser_pool **ret_pool)
{
	struct parser_pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		abort();
	pool->children = calloc(children, sizeof(*pool->children));
	if (pool->children == NULL)
		abort();
	pool->done = done;
	pool->context = context;
	for (; pool->count < children; pool->count++) {
		struct child *child = &pool->children[pool->count];

		child->pool = pool;
		if (parser_client_new(options, &child->client) != OK) {
			log_event(LOG_ERROR, "parser_child_failed",
				  LOG_STR("error", strerror(errno)));
			parser_pool_free(pool);
			return ERR_FATAL;
		}
		child->watch = watch_new(base, on_ready, child);
		update(child, false);
	}
	*ret_pool = pool;
	return OK;
}

void parser_pool_free(struct parser_pool *pool)
{
	if (pool == NULL)
		return;
	for (unsigned i = 0; i < pool->count; i++) {
		watch_free(pool->children[i].watch);
		parser_client_free(pool->children[i].client);
	}
	free(pool->children);
	free(pool);
}

void parser_pool_parse(struct parser_pool *pool, void *tag, struct slice raw)
{
	struct child *least = &pool->children[0];

	for (unsigned i = 1; i < pool->count; i++) {
		struct child *child = &pool->children[i];

		if (parser_client_pending(child->client) < parser_client_pending(least->client))
			least = child;
	}
	parser_client_send(least->client, tag, raw);
	/* most of the time the socket takes it at once: no need to wait for the event loop */
	if (!least->broken && parser_client_pump(least->client, time_monotonic_ms()) != OK) {
		least->broken = true;
		least->replace_at = time_monotonic_ms();
	}
	update(least, false);
}
