/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The acknowledgment: writes a batch of filings in one pipelined transaction and says of each
 * whether it is durable. Non-blocking; one batch at a time per connection; the caller watches the
 * socket.
 *
 * Once: `ingest_key` goes first, and every later statement joins it, so that only the first of two
 * equal messages acts. Lock order: ingest_key, event_key, address_state, roll-up, account,
 * suppression, each sorted.
 */
#ifndef BOUNCED_STORE_COMMIT_H
#define BOUNCED_STORE_COMMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/filing.h"

/* What became of one filing. */
enum commit_outcome {
	COMMIT_PENDING,
	COMMIT_DONE,     /* durable: answer 250, filing->committed_id */
	COMMIT_LATER,    /* not known to be durable: answer 451 */
	COMMIT_NO_SPACE, /* SQLSTATE class 53: answer 452 */
};

struct commit_item {
	struct filing *filing;       /* borrowed until the batch is done */
	enum commit_outcome outcome; /* filled */
	bool stored_raw;             /* its report could not be stored (SQLSTATE 22/23): raw only */
};

struct committer;

/*
 * slot: the process's number, for the roll-ups. Connects in the background; ERR is never returned:
 * a committer without database is `down` and tries again by itself, with back-off.
 */
struct committer *committer_new(const char *dsn, unsigned slot, bool allow_unsafe);
void committer_free(struct committer *committer);

/* The descriptor to watch, or -1; it changes when the connection does. */
int committer_fd(const struct committer *committer);
bool committer_wants_write(const struct committer *committer);
/* When committer_step() wants to be called even without activity on the descriptor (monotonic ms).
 */
int64_t committer_deadline(const struct committer *committer);

/* Up, and able to take a batch right now. */
bool committer_ready(const struct committer *committer);
/* The breaker: false while the database is away; MAIL answers 451 then. */
bool committer_up(const struct committer *committer);

/* Begins a batch of 1..LIMIT_BATCH_MESSAGES; items are borrowed until committer_step() says done.
 */
void committer_begin(struct committer *committer, struct commit_item *items, size_t count);
/* Moves on; true when the batch begun is done, each item with its outcome. Call when the descriptor
 * is ready and at the deadline. */
bool committer_step(struct committer *committer, int64_t now_ms);
/* A batch is under way. */
bool committer_busy(const struct committer *committer);

#endif
