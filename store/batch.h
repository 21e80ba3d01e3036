/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a batch of filings writes, as the parameters of the commit statements: columns as arrays,
 * rows in the order in which their keys are locked. Pure: no connection.
 */
#ifndef BOUNCED_STORE_BATCH_H
#define BOUNCED_STORE_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/filing.h"
#include "core/slice.h"
#include "store/pg.h"

/* In the order of the transaction. The lock order is that of the tables: ingest_key, event_key,
 * rollup_hour, account, suppression; keys of effects come after those of events. */
#define COMMIT_STATEMENTS(X)                                         \
	X(INGEST_KEY, "commit_ingest_key", SQL_COMMIT_INGEST_KEY)    \
	X(REPORT, "commit_report", SQL_COMMIT_REPORT)                \
	X(REPORT_RAW, "commit_report_raw", SQL_COMMIT_REPORT_RAW)    \
	X(UNDECIDED, "commit_undecided", SQL_COMMIT_UNDECIDED)       \
	X(EVENT_KEY, "commit_event_key", SQL_COMMIT_EVENT_KEY)       \
	X(EFFECT_KEY, "commit_effect_key", SQL_COMMIT_EFFECT_KEY)    \
	X(EVENT, "commit_event", SQL_COMMIT_EVENT)                   \
	X(ROLLUP, "commit_rollup", SQL_COMMIT_ROLLUP)                \
	X(ACCOUNT, "commit_account", SQL_COMMIT_ACCOUNT)             \
	X(REF_ADDRESS, "commit_ref_address", SQL_COMMIT_REF_ADDRESS) \
	X(SUPPRESSION, "commit_suppression", SQL_COMMIT_SUPPRESSION) \
	X(RESOLVE, "commit_resolve", SQL_COMMIT_RESOLVE)

enum commit_statement {
#define X(name, prepared, sql) COMMIT_##name,
	COMMIT_STATEMENTS(X)
#undef X
		COMMIT_STATEMENT_COUNT
};

struct batch {
	struct pg_params params[COMMIT_STATEMENT_COUNT];
	bool wanted[COMMIT_STATEMENT_COUNT]; /* false: nothing to do in this batch */
	size_t *order; /* position + 1 of COMMIT_RESOLVE's answer → index in `filings`:
			  order[position] */
};

/*
 * Everything lives in the arena, including copies of the raw messages. slot: the process's number,
 * for the roll-ups.
 */
void batch_build(struct arena *arena, const struct filing *const *filings, size_t count,
		 unsigned slot, struct batch *ret_batch);

/* One filing whose report PostgreSQL refuses: its raw message only, as kind `quarantined`, without
 * events. why: for report.quarantine. */
void batch_build_raw(struct arena *arena, const struct filing *filing, struct slice why,
		     struct batch *ret_batch);

#endif
