/* SPDX-License-Identifier: Apache-2.0 */
#include "app/jobs/jobs.h"

#include "core/log.h"
#include "store/retention.h"

/* Entries of one transaction: each waits for the account's counter, and so do commits. */
#define BATCH 500

enum job_outcome job_expiry(struct jobs *jobs, int64_t unix_ms)
{
	struct arena *arena = arena_new(0);
	uint64_t *accounts;
	size_t count = 0;
	int64_t expired = 0;
	enum err err = retention_accounts_expiring(jobs->pg, unix_ms, arena, &accounts, &count);

	for (size_t i = 0; i < count && err == OK; i++) {
		int64_t ended = 0;

		err = retention_expire(jobs->pg, accounts[i], unix_ms, BATCH, &ended);
		expired += ended;
	}
	arena_free(arena);
	if (expired > 0)
		log_event(LOG_INFO, "suppressions_expired", LOG_INT("count", expired));
	if (err != OK)
		return job_failed(jobs, "expiry");
	return expired > 0 ? JOB_MORE : JOB_DONE;
}
