/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema: applies the numbered migrations that are compiled in, forward only, and checks that a
 * database has exactly those.
 */
#ifndef BOUNCED_STORE_MIGRATE_H
#define BOUNCED_STORE_MIGRATE_H

#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/slice.h"
#include "store/pg.h"

/*
 * Brings the database up to date, over the owner's connection, and makes the partitions around
 * now_ms. Several at once wait for one another. *ret_applied: how many were applied, also on
 * failure. ERR_REFUSE where the database is newer than this program or a migration was edited after
 * it had been applied, ERR_FATAL where SQL failed; *ret_error then says what, in the arena.
 */
enum err store_migrate(struct pg *pg, int64_t now_ms, struct arena *arena, unsigned *ret_applied,
		       struct slice *ret_error) MUST_CHECK;

/* The partitions of now_ms and the days to come, where missing. Committers do so by themselves. */
enum err store_ensure_partitions(struct pg *pg, int64_t now_ms) MUST_CHECK;

/*
 * May `serve` use this database? ERR_REFUSE, with *ret_error in the arena, where its schema is
 * older or newer than this program's, or (unless allow_unsafe) where fsync, synchronous_commit or
 * full_page_writes is off, so that a COMMIT would not be durable. ERR_RETRY without database.
 */
enum err store_check(struct pg *pg, bool allow_unsafe, struct arena *arena,
		     struct slice *ret_error) MUST_CHECK;

#endif
