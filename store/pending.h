/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports that are authenticated again: who takes which and when, and how a report gets the effects
 * that it could not have when it came. The time is an input. They answer OK, ERR_RETRY (database
 * away) and ERR_FATAL (pg_error()).
 */
#ifndef BOUNCED_STORE_PENDING_H
#define BOUNCED_STORE_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/filing.h"
#include "core/uuid.h"
#include "store/pg.h"

struct pending_report {
	uint64_t account_id;
	struct uuid report_id;
	int64_t attempts; /* this one included */
};

/* Which attempt is followed by which pause. */
struct pending_waits {
	const int64_t *ms; /* after the first attempt, the second, …; the last one goes on */
	size_t count;
};

/*
 * Takes at most `limit` reports that are due, for this caller alone until they are due again, which
 * is after the wait of their attempt: to let go of one is to do nothing. The array lives in the
 * arena.
 */
enum err pending_claim(struct pg *pg, int64_t now, const struct pending_waits *waits, size_t limit,
		       struct arena *arena, struct pending_report **ret_reports,
		       size_t *ret_count) MUST_CHECK;

/* Gives up what was received LIMIT_PENDING_MS before `now`: it stays what it is. */
enum err pending_give_up(struct pg *pg, int64_t now, int64_t *ret_count) MUST_CHECK;
/* One whose report is no longer there. */
enum err pending_forget(struct pg *pg, const struct pending_report *pending) MUST_CHECK;

/*
 * Files a stored report anew, as one transaction: its authentication and trust, its events in the
 * place of those that were stored, the counts, and the suppressions, by the statements of the
 * commit path (store/batch.h). filing: attributed again, with the stored report's id; its events
 * get the ids of the stored ones, and those that have none are dropped, since another report's
 * count in their place. A subject that somebody has taken off the list meanwhile stays off.
 * *ret_applied is false where the report was pending no more: nothing happened.
 */
enum err pending_apply(struct pg *pg, struct filing *filing, bool *ret_applied) MUST_CHECK;

#endif
