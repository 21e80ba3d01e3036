/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Natural group commit: while one batch is on its way the next gathers; when COMMIT returns, all
 * that waits goes, up to LIMIT_BATCH_MESSAGES or LIMIT_BATCH_BYTES. No timer: an idle service
 * commits a lone message at once, a busy one commits many together.
 */
#ifndef BOUNCED_APP_BATCHER_H
#define BOUNCED_APP_BATCHER_H

#include <stdbool.h>
#include <stddef.h>

#include <event2/event.h>

#include "core/filing.h"
#include "store/commit.h"

struct batcher;

/* Called for each filing once, never from within batcher_add(). */
typedef void batcher_done(void *context, struct filing *filing, void *tag,
			  enum commit_outcome outcome, bool stored_raw);

/* committer: borrowed. Caller frees, after the batcher is idle. */
struct batcher *batcher_new(struct event_base *base, struct committer *committer,
			    batcher_done *done, void *context);
void batcher_free(struct batcher *batcher);
/* filing: borrowed until done. */
void batcher_add(struct batcher *batcher, struct filing *filing, void *tag);
/* Filings waiting or under way. */
size_t batcher_pending(const struct batcher *batcher);

#endif
