/* SPDX-License-Identifier: Apache-2.0 */
#include "app/jobs/jobs.h"

#include "core/limits.h"
#include "core/log.h"
#include "core/timestamp.h"
#include "store/retention.h"

/* Rows of one transaction. */
#define BATCH 5000

static int64_t days_of(const struct config *config, enum retention_rows rows)
{
	switch (rows) {
	case RETENTION_INGEST_KEYS:
		return LIMIT_INGEST_KEY_DAYS;
	case RETENTION_EVENT_KEYS:
		return LIMIT_EVENT_KEY_DAYS;
	case RETENTION_TOMBSTONES:
		return LIMIT_TOMBSTONE_DAYS;
	case RETENTION_ROLLUPS:
		return config->retention_rollup_days;
	case RETENTION_ROWS_COUNT:
		break;
	}
	return INT32_MAX;
}

/* One batch of each account. *ret_deleted: rows in all. */
static enum err delete_some(struct jobs *jobs, enum retention_rows rows, int64_t unix_ms,
			    const uint64_t *accounts, size_t count, int64_t *ret_deleted)
{
	int64_t before = unix_ms - days_of(jobs->context->config, rows) * TIME_DAY_MS;
	enum err err = OK;

	for (size_t i = 0; i < count && err == OK && !job_should_end(); i++) {
		int64_t deleted = 0;

		err = retention_delete(jobs->pg, rows, accounts[i], before, BATCH, &deleted);
		*ret_deleted += deleted;
	}
	if (*ret_deleted > 0)
		log_event(LOG_INFO, "rows_deleted", LOG_STR("table", retention_rows_word(rows)),
			  LOG_INT("count", *ret_deleted));
	return err;
}

enum job_outcome job_retention(struct jobs *jobs, int64_t unix_ms)
{
	struct arena *arena = arena_new(0);
	uint64_t *accounts;
	size_t count = 0;
	bool more = false;
	enum err err = retention_accounts(jobs->pg, arena, &accounts, &count);

	for (int rows = 0; rows < RETENTION_ROWS_COUNT && err == OK; rows++) {
		int64_t deleted = 0;

		err = delete_some(jobs, (enum retention_rows)rows, unix_ms, accounts, count,
				  &deleted);
		more = more || deleted > 0;
	}
	arena_free(arena);
	if (err != OK)
		return job_failed(jobs, "retention");
	return more ? JOB_MORE : JOB_DONE;
}
