/* SPDX-License-Identifier: Apache-2.0 */
#include "app/jobs/jobs.h"

#include "core/log.h"
#include "core/timestamp.h"
#include "store/retention.h"

/* ERR: as of the store. *ret_dropped: there may be another. */
static enum err drop_one(struct jobs *jobs, int64_t unix_ms, struct arena *arena, bool *ret_dropped)
{
	const struct config *config = jobs->context->config;
	const struct {
		const char *parent;
		int64_t days;
	} parents[] = {
		{ "report_raw", config->retention_raw_days },
		{ "report", config->retention_event_days },
		{ "event", config->retention_event_days },
	};

	for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++) {
		struct slice name = SLICE_NONE;
		enum err err = retention_drop_partition(jobs->pg, parents[i].parent,
							unix_ms - parents[i].days * TIME_DAY_MS,
							arena, &name);

		if (err != OK)
			return err;
		if (slice_empty(name))
			continue;
		log_event(LOG_INFO, "partition_dropped", LOG_SLICE("name", name));
		*ret_dropped = true;
	}
	return OK;
}

enum job_outcome job_partitions(struct jobs *jobs, int64_t unix_ms)
{
	struct arena *arena = arena_new(0);
	bool dropped = false;
	int64_t made = 0;
	enum err err = retention_make_partitions(jobs->pg, unix_ms, arena, &made);

	if (err == OK && made > 0)
		log_event(LOG_INFO, "partitions_made", LOG_INT("count", made));
	if (err == OK)
		err = drop_one(jobs, unix_ms, arena, &dropped);
	arena_free(arena);
	if (err != OK)
		return job_failed(jobs, "partitions");
	return dropped ? JOB_MORE : JOB_DONE;
}
