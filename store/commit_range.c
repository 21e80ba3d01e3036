/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One range of the batch at a time is a transaction. A range that PostgreSQL refuses for its data
 * is cut in halves until the one filing is found; that one is stored raw.
 */
#include "store/commit_machine.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "core/limits.h"
#include "core/log.h"

static struct range *range_current(struct committer *committer)
{
	return &committer->ranges[committer->range_count - 1];
}

void commit_range_push(struct committer *committer, size_t first, size_t count)
{
	assert(committer->range_count < RANGES_MAX);
	committer->ranges[committer->range_count++] = (struct range){ first, count };
}

static void range_build(struct committer *committer)
{
	const struct range *range = range_current(committer);
	const struct filing **filings;

	arena_reset(committer->arena);
	if (committer->quarantine[0] != '\0') {
		batch_build_raw(committer->arena, committer->items[range->first].filing,
				slice_from_cstr(committer->quarantine), &committer->batch);
		return;
	}
	filings = ARENA_ARRAY(committer->arena, const struct filing *, range->count);
	for (size_t i = 0; i < range->count; i++)
		filings[i] = committer->items[range->first + i].filing;
	batch_build(committer->arena, filings, range->count, committer->slot, &committer->batch);
}

void commit_range_next(struct committer *committer)
{
	committer->quarantine[0] = '\0';
	committer->attempts = 0;
	if (committer->range_count == 0) {
		committer->phase = PHASE_IDLE;
		return;
	}
	range_build(committer);
	commit_send_batch(committer);
}

static void range_outcome(struct committer *committer, enum commit_outcome outcome)
{
	const struct range *range = range_current(committer);

	for (size_t i = 0; i < range->count; i++) {
		struct commit_item *item = &committer->items[range->first + i];

		if (item->outcome == COMMIT_PENDING)
			item->outcome = outcome;
	}
	committer->range_count--;
}

void commit_batch_outcome(struct committer *committer, enum commit_outcome outcome)
{
	while (committer->range_count > 0)
		range_outcome(committer, outcome);
}

void commit_range_committed(struct committer *committer)
{
	const struct range *range = range_current(committer);
	int rows = PQntuples(committer->resolved);

	for (int row = 0; row < rows; row++) {
		size_t position = (size_t)pg_int(committer->resolved, row, "position") - 1;
		assert(position < range->count);
		struct commit_item *item =
			&committer->items[range->first + committer->batch.order[position]];
		struct filing *filing = item->filing;

		filing->committed_id = pg_uuid(committer->resolved, row, "report_id");
		filing->duplicate = memcmp(filing->committed_id.bytes, filing->report_id.bytes,
					   sizeof(filing->report_id.bytes)) != 0;
		item->stored_raw = committer->quarantine[0] != '\0' && !filing->duplicate;
		item->outcome = COMMIT_DONE;
	}
	committer->stored += range->count;
	link_settle(&committer->link);
	range_outcome(committer, COMMIT_LATER);
	commit_range_next(committer);
}

/* -- failures -- */

/* Would the same data be refused again? 54: a limit, such as the size of an index entry. */
static bool blames_data(const char *sqlstate)
{
	return strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "23", 2) == 0 ||
	       strncmp(sqlstate, "54", 2) == 0;
}

static bool blames_chance(const char *sqlstate)
{
	return strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0;
}

/* false: even the raw message is refused. */
static bool range_halve(struct committer *committer)
{
	struct range range = *range_current(committer);

	if (committer->quarantine[0] != '\0')
		return false;
	if (range.count == 1) {
		log_event(LOG_WARNING, "report_refused_by_database",
			  LOG_STR("sqlstate", committer->sqlstate),
			  LOG_STR("error", committer->error));
		snprintf(committer->quarantine, sizeof(committer->quarantine), "store/%s",
			 committer->sqlstate);
		range_build(committer);
		commit_send_batch(committer);
		return true;
	}
	committer->range_count--;
	commit_range_push(committer, range.first + range.count / 2, range.count - range.count / 2);
	commit_range_push(committer, range.first, range.count / 2);
	commit_range_next(committer);
	return true;
}

void commit_range_failed(struct committer *committer, int64_t now_ms)
{
	if (blames_chance(committer->sqlstate) && committer->attempts < LIMIT_COMMIT_RETRIES) {
		committer->attempts++;
		commit_send_batch(committer);
	} else if (strncmp(committer->sqlstate, "53", 2) == 0) {
		log_event(LOG_ERROR, "database_no_space", LOG_STR("sqlstate", committer->sqlstate),
			  LOG_STR("error", committer->error));
		commit_batch_outcome(committer, COMMIT_NO_SPACE);
		commit_range_next(committer);
	} else if (!blames_data(committer->sqlstate) || !range_halve(committer)) {
		commit_lose(committer, "commit_failed", now_ms);
	}
}
