/* SPDX-License-Identifier: Apache-2.0 */
#include "store/commit_machine.h"

#include <assert.h>
#include <stdio.h>

#include "core/limits.h"
#include "store/statements.h"

/* Plans last as long as the connection, and one made while a table was new may read the whole of an
 * index: after so many filings all are made again, and after each time twice as many. */
#define REPLAN_FIRST 256

#define SQL_PARTITIONS "SELECT ensure_partitions(now())"

static const struct {
	const char *name;
	const char *sql;
} STATEMENTS[COMMIT_STATEMENT_COUNT] = {
#define X(id, prepared, text) [COMMIT_##id] = { prepared, text },
	COMMIT_STATEMENTS(X)
#undef X
};

static void expect(struct committer *committer, enum answer answer)
{
	assert(committer->answer_count < ANSWERS_MAX);
	committer->answers[committer->answer_count++] = answer;
}

static void send_sync(struct committer *committer)
{
	link_send_sync(&committer->link);
	expect(committer, ANSWER_SYNC);
}

void commit_phase_begin(struct committer *committer, enum phase phase)
{
	committer->phase = phase;
	committer->answer_count = 0;
	committer->answer_next = 0;
	committer->failed = false;
	committer->sqlstate[0] = '\0';
	committer->error[0] = '\0';
	committer->committed = false;
	PQclear(committer->resolved);
	committer->resolved = NULL;
}

void commit_send_setup(struct committer *committer, int64_t now_ms)
{
	char timeout[16];
	struct pg_params params;

	commit_phase_begin(committer, PHASE_SETUP);
	committer->deadline = now_ms + LIMIT_CONNECT_MS;
	committer->maintain_at = now_ms + LIMIT_PARTITIONS_MS;
	committer->stored = 0;
	committer->replan_at = REPLAN_FIRST;
	snprintf(timeout, sizeof(timeout), "%d", LIMIT_COMMIT_STATEMENT_MS);
	arena_reset(committer->arena);
	pg_params_init(&params, committer->arena);
	pg_param_text(&params, slice_from_cstr(timeout));

	link_send(&committer->link, SQL_COMMIT_SESSION, &params);
	expect(committer, ANSWER_SESSION);
	link_send(&committer->link, SQL_PARTITIONS, NULL);
	expect(committer, ANSWER_PLAIN);
	for (size_t i = 0; i < COMMIT_STATEMENT_COUNT; i++) {
		link_send_prepare(&committer->link, STATEMENTS[i].name, STATEMENTS[i].sql);
		expect(committer, ANSWER_PLAIN);
	}
	send_sync(committer);
}

void commit_send_maintain(struct committer *committer, int64_t now_ms)
{
	commit_phase_begin(committer, PHASE_MAINTAIN);
	committer->deadline = now_ms + LIMIT_COMMIT_MS;
	committer->maintain_at = now_ms + LIMIT_PARTITIONS_MS;
	link_send(&committer->link, SQL_PARTITIONS, NULL);
	expect(committer, ANSWER_PLAIN);
	send_sync(committer);
}

void commit_send_batch(struct committer *committer)
{
	commit_phase_begin(committer, PHASE_COMMIT);
	link_send(&committer->link, "BEGIN ISOLATION LEVEL READ COMMITTED", NULL);
	expect(committer, ANSWER_PLAIN);
	if (committer->stored >= committer->replan_at) {
		committer->replan_at *= 2;
		link_send(&committer->link, "DISCARD PLANS", NULL);
		expect(committer, ANSWER_PLAIN);
	}
	for (size_t i = 0; i < COMMIT_STATEMENT_COUNT; i++) {
		if (!committer->batch.wanted[i])
			continue;
		link_send_prepared(&committer->link, STATEMENTS[i].name,
				   &committer->batch.params[i]);
		expect(committer, i == COMMIT_RESOLVE ? ANSWER_RESOLVE : ANSWER_PLAIN);
	}
	send_sync(committer);
	link_send(&committer->link, "COMMIT", NULL);
	expect(committer, ANSWER_COMMIT);
	send_sync(committer);
}
