/* SPDX-License-Identifier: Apache-2.0 */
#include "app/batcher.h"

#include <assert.h>
#include <stdlib.h>

#include "app/watch.h"
#include "core/limits.h"
#include "core/timestamp.h"

struct waiting {
	struct waiting *next;
	struct filing *filing;
	void *tag;
};

struct batcher {
	struct committer *committer;
	struct watch *watch;
	bool up; /* when last watched */
	batcher_done *done;
	void *context;

	struct waiting *first;
	struct waiting **last;
	size_t waiting;

	struct commit_item items[LIMIT_BATCH_MESSAGES];
	void *tags[LIMIT_BATCH_MESSAGES];
	size_t in_flight;
};

static struct waiting *take_first(struct batcher *batcher)
{
	struct waiting *entry = batcher->first;

	batcher->first = entry->next;
	if (batcher->first == NULL)
		batcher->last = &batcher->first;
	batcher->waiting--;
	return entry;
}

static void begin_batch(struct batcher *batcher)
{
	size_t bytes = 0;

	assert(batcher->in_flight == 0);
	while (batcher->first != NULL && batcher->in_flight < LIMIT_BATCH_MESSAGES) {
		size_t size = batcher->first->filing->inbound->raw.len;

		if (batcher->in_flight > 0 && bytes + size > LIMIT_BATCH_BYTES)
			break;
		struct waiting *entry = take_first(batcher);

		bytes += size;
		batcher->items[batcher->in_flight] =
			(struct commit_item){ .filing = entry->filing };
		batcher->tags[batcher->in_flight++] = entry->tag;
		free(entry);
	}
	committer_begin(batcher->committer, batcher->items, batcher->in_flight);
}

/* A batch that is done, apart from the one that may have begun since. */
struct finished {
	struct commit_item items[LIMIT_BATCH_MESSAGES];
	void *tags[LIMIT_BATCH_MESSAGES];
	size_t count;
};

static void take_finished(struct batcher *batcher, struct finished *finished)
{
	finished->count = batcher->in_flight;
	for (size_t i = 0; i < batcher->in_flight; i++) {
		finished->items[i] = batcher->items[i];
		finished->tags[i] = batcher->tags[i];
	}
	batcher->in_flight = 0;
}

/* The callbacks may add filings. */
static void deliver(struct batcher *batcher, const struct finished *finished)
{
	for (size_t i = 0; i < finished->count; i++)
		batcher->done(batcher->context, finished->items[i].filing, finished->tags[i],
			      finished->items[i].outcome, finished->items[i].stored_raw);
}

/* The database is away: who waits is told so now, and tries again later. */
static void refuse_waiting(struct batcher *batcher)
{
	for (size_t count = batcher->waiting; count > 0; count--) {
		struct waiting *entry = take_first(batcher);
		struct filing *filing = entry->filing;
		void *tag = entry->tag;

		free(entry);
		batcher->done(batcher->context, filing, tag, COMMIT_LATER, false);
	}
}

/* The next batch is on its way before the last one's replies are written: the database works
 * meanwhile. */
static void advance(void *context)
{
	struct batcher *batcher = context;
	bool done = committer_step(batcher->committer, time_monotonic_ms());

	do {
		struct finished finished = { .count = 0 };

		if (done)
			take_finished(batcher, &finished);
		done = false;
		if (!committer_up(batcher->committer) && !committer_busy(batcher->committer))
			refuse_waiting(batcher);
		if (batcher->first != NULL && committer_ready(batcher->committer)) {
			begin_batch(batcher);
			done = committer_step(batcher->committer, time_monotonic_ms());
		}
		deliver(batcher, &finished);
	} while (done);

	/* A connection made anew may have the descriptor of the old one. */
	bool up = committer_up(batcher->committer);
	bool changed = !up || !batcher->up;
	int64_t deadline = committer_deadline(batcher->committer);

	/* more came while the last batch was finished */
	if (batcher->first != NULL && committer_ready(batcher->committer))
		deadline = time_monotonic_ms();
	watch_update(batcher->watch, committer_fd(batcher->committer), changed,
		     committer_wants_write(batcher->committer), deadline);
	batcher->up = up;
}

struct batcher *batcher_new(struct event_base *base, struct committer *committer,
			    batcher_done *done, void *context)
{
	struct batcher *batcher = calloc(1, sizeof(*batcher));

	if (batcher == NULL)
		abort();
	batcher->committer = committer;
	batcher->done = done;
	batcher->context = context;
	batcher->last = &batcher->first;
	batcher->watch = watch_new(base, advance, batcher);
	advance(batcher);
	return batcher;
}

void batcher_free(struct batcher *batcher)
{
	if (batcher == NULL)
		return;
	assert(batcher_pending(batcher) == 0);
	watch_free(batcher->watch);
	free(batcher);
}

void batcher_add(struct batcher *batcher, struct filing *filing, void *tag)
{
	struct waiting *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		abort();
	entry->filing = filing;
	entry->tag = tag;
	*batcher->last = entry;
	batcher->last = &entry->next;
	batcher->waiting++;
	/* The batch begins from the event loop, after everything that came in this round was added.
	 */
	if (!committer_busy(batcher->committer))
		watch_update(batcher->watch, committer_fd(batcher->committer), false,
			     committer_wants_write(batcher->committer), time_monotonic_ms());
}

size_t batcher_pending(const struct batcher *batcher)
{
	return batcher->waiting + batcher->in_flight;
}
