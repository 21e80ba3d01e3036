/* SPDX-License-Identifier: Apache-2.0 */
#include "app/api_parsers.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "core/limits.h"
#include "core/timestamp.h"
#include "parser/client.h"

/* A little more than a message may take, so that one hanging message does not turn others away. */
#define WAIT_S 3

struct slot {
	struct parser_client *client; /* NULL until the first message, and after a failure */
	bool busy;
};

struct api_parsers {
	pthread_mutex_t mutex;
	pthread_cond_t freed;
	struct parser_options options;
	unsigned count;
	struct slot slots[];
};

struct api_parsers *api_parsers_new(unsigned count, int rules_fd)
{
	struct api_parsers *parsers = calloc(1, sizeof(*parsers) + count * sizeof(struct slot));

	if (!parsers)
		abort();
	parsers->options = (struct parser_options){ .explain = true, .rules_fd = rules_fd };
	parsers->count = count;
	pthread_mutex_init(&parsers->mutex, NULL);
	pthread_cond_init(&parsers->freed, NULL);
	return parsers;
}

void api_parsers_free(struct api_parsers *parsers)
{
	if (!parsers)
		return;
	for (unsigned i = 0; i < parsers->count; i++)
		parser_client_free(parsers->slots[i].client);
	pthread_mutex_destroy(&parsers->mutex);
	pthread_cond_destroy(&parsers->freed);
	free(parsers);
}

static struct slot *find_idle(struct api_parsers *parsers)
{
	for (unsigned i = 0; i < parsers->count; i++) {
		if (!parsers->slots[i].busy)
			return &parsers->slots[i];
	}
	return NULL;
}

/* NULL when none became free in time. */
static struct slot *acquire(struct api_parsers *parsers)
{
	struct timespec deadline;
	struct slot *slot;
	int waited = 0;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += WAIT_S;
	pthread_mutex_lock(&parsers->mutex);
	while (!(slot = find_idle(parsers)) && waited == 0)
		waited = pthread_cond_timedwait(&parsers->freed, &parsers->mutex, &deadline);
	if (slot)
		slot->busy = true;
	pthread_mutex_unlock(&parsers->mutex);
	return slot;
}

static void release(struct api_parsers *parsers, struct slot *slot)
{
	pthread_mutex_lock(&parsers->mutex);
	slot->busy = false;
	pthread_cond_signal(&parsers->freed);
	pthread_mutex_unlock(&parsers->mutex);
}

static void wait_for_child(const struct parser_client *client)
{
	short events = parser_client_wants_write(client) ? POLLIN | POLLOUT : POLLIN;
	struct pollfd pollfd = { .fd = parser_client_fd(client), .events = events };
	int64_t left = parser_client_deadline(client) - time_monotonic_ms();

	if (left > LIMIT_PARSE_MS)
		left = LIMIT_PARSE_MS;
	(void)poll(&pollfd, 1, left > 0 ? (int)left : 0);
}

static enum err parse_with(struct parser_client *client, struct slice raw, struct arena *arena,
			   struct report *ret_report)
{
	void *tag;

	parser_client_send(client, NULL, raw);
	for (;;) {
		if (parser_client_pump(client, time_monotonic_ms()) != OK &&
		    parser_client_replace(client, time_monotonic_ms()) != OK)
			return ERR_RETRY;
		if (parser_client_next(client, arena, &tag, ret_report))
			return OK;
		wait_for_child(client);
	}
}

enum err api_parsers_parse(struct api_parsers *parsers, struct slice raw, bool explain,
			   struct arena *arena, struct report *ret_report)
{
	struct slot *slot = acquire(parsers);
	enum err err = OK;

	if (!slot)
		return ERR_RETRY;
	if (!slot->client)
		err = parser_client_new(&parsers->options, &slot->client);
	if (err == OK)
		err = parse_with(slot->client, raw, arena, ret_report);
	if (err != OK) {
		parser_client_free(slot->client);
		slot->client = NULL;
	} else if (!explain) {
		ret_report->trail = SLICE_NONE;
	}
	release(parsers, slot);
	return err;
}
