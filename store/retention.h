/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partitions ahead of time, and letting go of what is past its time. Each call is one short
 * transaction that any number of hosts may run at a time; the time is an input. They answer OK,
 * ERR_RETRY (database away, or somebody holds a lock) and ERR_FATAL (pg_error()).
 *
 * Reports and events go with their partitions, all else row by row, of one account at a time.
 */
#ifndef BOUNCED_STORE_RETENTION_H
#define BOUNCED_STORE_RETENTION_H

#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/slice.h"
#include "store/pg.h"

/* Makes those from the day before `now` to a week ahead, as every ingest process does when it
 * connects; *ret_made are how many were missing. */
enum err retention_make_partitions(struct pg *pg, int64_t now, struct arena *arena,
				   int64_t *ret_made) MUST_CHECK;

/* parent: "report_raw", "report" or "event". Drops its oldest partition if that ends at `before` or
 * earlier: *ret_name, in the arena; empty where there is none. */
enum err retention_drop_partition(struct pg *pg, const char *parent, int64_t before,
				  struct arena *arena, struct slice *ret_name) MUST_CHECK;

/* All accounts, in the arena. */
enum err retention_accounts(struct pg *pg, struct arena *arena, uint64_t **ret_accounts,
			    size_t *ret_count) MUST_CHECK;

/* The same of those with suppressions that have ended by `now`. */
enum err retention_accounts_expiring(struct pg *pg, int64_t now, struct arena *arena,
				     uint64_t **ret_accounts, size_t *ret_count) MUST_CHECK;

/* What goes row by row. */
enum retention_rows {
	RETENTION_INGEST_KEYS,
	RETENTION_EVENT_KEYS,
	RETENTION_TOMBSTONES,
	RETENTION_ROLLUPS,
	RETENTION_ROWS_COUNT
};

/* The table's name, for the log. */
const char *retention_rows_word(enum retention_rows rows);

/* Deletes rows of an account from before that time: `limit` at most, of roll-ups those of one hour.
 * *ret_deleted is 0 only where none are left, or somebody else is deleting them. */
enum err retention_delete(struct pg *pg, enum retention_rows rows, uint64_t account_id,
			  int64_t before, int64_t limit, int64_t *ret_deleted) MUST_CHECK;

/* Suppressions of an account that have ended by `now` become tombstones, `limit` at most. */
enum err retention_expire(struct pg *pg, uint64_t account_id, int64_t now, int64_t limit,
			  int64_t *ret_expired) MUST_CHECK;

#endif
