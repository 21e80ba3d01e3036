/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machine around a connection. A transaction is
 *
 *	BEGIN, statements, Sync, COMMIT, Sync
 *
 * With the Sync before COMMIT a failed transaction answers COMMIT with the tag ROLLBACK and leaves
 * the connection clean.
 */
#include "store/commit.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/timestamp.h"
#include "store/commit_machine.h"
#include "store/pg_connect.h"

struct committer *committer_new(const char *dsn, unsigned slot, bool allow_unsafe)
{
	struct committer *committer = calloc(1, sizeof(*committer));

	if (!committer)
		abort();
	link_init(&committer->link, dsn);
	committer->slot = slot;
	committer->allow_unsafe = allow_unsafe;
	committer->arena = arena_new(LIMIT_BATCH_BYTES);
	return committer;
}

void committer_free(struct committer *committer)
{
	if (!committer)
		return;
	link_done(&committer->link);
	PQclear(committer->resolved);
	arena_free(committer->arena);
	free(committer);
}

int committer_fd(const struct committer *committer)
{
	return link_fd(&committer->link);
}

bool committer_wants_write(const struct committer *committer)
{
	return link_wants_write(&committer->link);
}

int64_t committer_deadline(const struct committer *committer)
{
	switch (committer->phase) {
	case PHASE_DOWN:
		return link_deadline(&committer->link);
	case PHASE_IDLE:
		return committer->maintain_at;
	case PHASE_SETUP:
	case PHASE_MAINTAIN:
	case PHASE_COMMIT:
		return committer->deadline;
	}
	abort();
}

bool committer_ready(const struct committer *committer)
{
	return committer->phase == PHASE_IDLE;
}

bool committer_up(const struct committer *committer)
{
	return committer->phase >= PHASE_IDLE;
}

bool committer_busy(const struct committer *committer)
{
	return committer->items != NULL;
}

/* -- the connection -- */

/* Once for each time that the database goes away. */
static void report_down(struct committer *committer, const char *event)
{
	if (committer->reported_down)
		return;
	committer->reported_down = true;
	log_event(LOG_ERROR, event, LOG_STR("sqlstate", committer->sqlstate),
		  LOG_STR("error",
			  committer->failed ? committer->error : link_error(&committer->link)));
}

void commit_lose(struct committer *committer, const char *event, int64_t now_ms)
{
	report_down(committer, event);
	commit_batch_outcome(committer, COMMIT_LATER);
	commit_phase_begin(committer, PHASE_DOWN);
	link_fail(&committer->link, now_ms);
}

/* -- what is answered -- */

/* The first failure of a phase is its cause. */
static void fail_with(struct committer *committer, const char *sqlstate, const char *error)
{
	if (committer->failed)
		return;
	committer->failed = true;
	snprintf(committer->sqlstate, sizeof(committer->sqlstate), "%s", sqlstate);
	snprintf(committer->error, sizeof(committer->error), "%s", error);
}

static void keep_failure(struct committer *committer, const PGresult *result)
{
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	fail_with(committer, pg_result_sqlstate(result),
		  text ? text : PQresultErrorMessage(result));
}

static void take_answer(struct committer *committer, PGresult *result)
{
	enum answer answer = committer->answers[committer->answer_next++];
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_FATAL_ERROR)
		keep_failure(committer, result);
	else if (answer == ANSWER_COMMIT)
		committer->committed =
			status == PGRES_COMMAND_OK && strcmp(PQcmdStatus(result), "COMMIT") == 0;
	else if (answer == ANSWER_SESSION && status == PGRES_TUPLES_OK)
		committer->unsafe = pg_bool(result, 0, "unsafe");

	if (answer == ANSWER_RESOLVE)
		committer->resolved = result;
	else
		PQclear(result);
}

static void setup_done(struct committer *committer, int64_t now_ms)
{
	if (committer->unsafe && !committer->allow_unsafe)
		fail_with(committer, "", "fsync, synchronous_commit or full_page_writes is off");
	if (committer->failed) {
		commit_lose(committer, "database_unusable", now_ms);
		return;
	}
	committer->phase = PHASE_IDLE;
	committer->reported_down = false;
	log_event(LOG_INFO, "database_up");
}

static void maintain_done(struct committer *committer)
{
	/* A week of partitions is left; the next time may go better. */
	if (committer->failed)
		log_event(LOG_WARNING, "partitions_failed", LOG_STR("error", committer->error));
	committer->phase = PHASE_IDLE;
}

/* All answers of the phase are here. */
static void phase_done(struct committer *committer, int64_t now_ms)
{
	switch (committer->phase) {
	case PHASE_SETUP:
		setup_done(committer, now_ms);
		break;
	case PHASE_MAINTAIN:
		maintain_done(committer);
		break;
	case PHASE_COMMIT:
		if (committer->committed)
			commit_range_committed(committer);
		else
			commit_range_failed(committer, now_ms);
		break;
	case PHASE_DOWN:
	case PHASE_IDLE:
		break;
	}
}

/* Takes all answers that are here. */
static void receive(struct committer *committer, int64_t now_ms)
{
	PGresult *result;

	while (committer->phase != PHASE_DOWN) {
		switch (link_next(&committer->link, &result)) {
		case LINK_WAIT:
			return;
		case LINK_BROKEN:
			/* COMMIT was answered: what was lost came after it. */
			if (committer->phase == PHASE_COMMIT && committer->committed)
				commit_range_committed(committer);
			commit_lose(committer, "database_lost", now_ms);
			return;
		case LINK_RESULT:
			take_answer(committer, result);
			if (committer->answer_next == committer->answer_count)
				phase_done(committer, now_ms);
			break;
		}
	}
}

void committer_begin(struct committer *committer, struct commit_item *items, size_t count)
{
	assert(committer_ready(committer) && !committer->items && count > 0);
	for (size_t i = 0; i < count; i++) {
		items[i].outcome = COMMIT_PENDING;
		items[i].stored_raw = false;
	}
	committer->items = items;
	committer->deadline = time_monotonic_ms() + LIMIT_COMMIT_MS;
	commit_range_push(committer, 0, count);
	commit_range_next(committer);
}

static void step_connection(struct committer *committer, int64_t now_ms)
{
	switch (link_step(&committer->link, now_ms)) {
	case LINK_NOTHING:
		break;
	case LINK_OPENED:
		commit_send_setup(committer, now_ms);
		break;
	case LINK_FAILED:
		report_down(committer, "database_away");
		break;
	}
}

bool committer_step(struct committer *committer, int64_t now_ms)
{
	step_connection(committer, now_ms);
	if (committer->phase == PHASE_IDLE && now_ms >= committer->maintain_at)
		commit_send_maintain(committer, now_ms);
	if (committer->phase != PHASE_DOWN)
		receive(committer, now_ms);
	if (committer->phase > PHASE_DOWN && committer->phase != PHASE_IDLE &&
	    now_ms >= committer->deadline) {
		fail_with(committer, "", "no answer in time");
		commit_lose(committer, "database_timeout", now_ms);
	}

	if (!committer->items || committer->phase == PHASE_COMMIT)
		return false;
	committer->items = NULL;
	return true;
}
