/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machine around a connection. One range of the batch at a time is a transaction:
 *
 *	BEGIN, statements, Sync, COMMIT, Sync
 *
 * With the Sync before COMMIT a failed transaction answers COMMIT with the tag ROLLBACK and leaves
 * the connection clean. A range that PostgreSQL refuses for its data is cut in halves until the one
 * filing is found; that one is stored raw.
 */
#include "store/commit.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/timestamp.h"
#include "store/batch.h"
#include "store/link.h"
#include "store/pg_connect.h"
#include "store/statements.h"

/* The ranges still to do: one per level of halving. */
#define RANGES_MAX 16

#define SQL_PARTITIONS "SELECT ensure_partitions(now())"

enum phase {
	PHASE_DOWN,     /* no connection */
	PHASE_SETUP,    /* session settings, partitions, prepared statements */
	PHASE_IDLE,     /* ready */
	PHASE_MAINTAIN, /* partitions */
	PHASE_COMMIT,   /* a range is under way */
};

/* What to do with the next result. */
enum answer {
	ANSWER_PLAIN,   /* only a failure matters */
	ANSWER_SESSION, /* of commit_session.sql */
	ANSWER_RESOLVE, /* of commit_resolve.sql */
	ANSWER_COMMIT,
	ANSWER_SYNC,
};

/* BEGIN, the statements, Sync, COMMIT, Sync are the most of any phase. */
#define ANSWERS_MAX (COMMIT_STATEMENT_COUNT + 4)

struct range {
	size_t first;
	size_t count;
};

struct committer {
	struct pg_link link;
	unsigned slot;
	bool allow_unsafe;
	bool reported_down; /* the log has it */
	enum phase phase;
	int64_t maintain_at;

	enum answer answers[ANSWERS_MAX];
	size_t answer_count;
	size_t answer_next;
	bool failed;      /* in this phase; the first failure's code and text: */
	char sqlstate[6]; /* empty where the connection broke */
	char error[256];
	bool unsafe;

	struct commit_item *items; /* NULL: no batch */
	int64_t deadline;
	struct range ranges[RANGES_MAX];
	size_t range_count; /* the last one is under way */
	struct arena *arena;
	struct batch batch;  /* of the range under way */
	char quarantine[16]; /* not empty: the range is one filing, stored raw */
	unsigned attempts;
	bool committed;
	PGresult *resolved;
};

static const struct {
	const char *name;
	const char *sql;
} STATEMENTS[COMMIT_STATEMENT_COUNT] = {
#define X(id, prepared, text) [COMMIT_##id] = { prepared, text },
	COMMIT_STATEMENTS(X)
#undef X
};

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

/* -- what is sent -- */

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

static void phase_begin(struct committer *committer, enum phase phase)
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

static void send_setup(struct committer *committer, int64_t now_ms)
{
	char timeout[16];
	struct pg_params params;

	phase_begin(committer, PHASE_SETUP);
	committer->deadline = now_ms + LIMIT_CONNECT_MS;
	committer->maintain_at = now_ms + LIMIT_PARTITIONS_MS;
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

static void send_maintain(struct committer *committer, int64_t now_ms)
{
	phase_begin(committer, PHASE_MAINTAIN);
	committer->deadline = now_ms + LIMIT_COMMIT_MS;
	committer->maintain_at = now_ms + LIMIT_PARTITIONS_MS;
	link_send(&committer->link, SQL_PARTITIONS, NULL);
	expect(committer, ANSWER_PLAIN);
	send_sync(committer);
}

static void send_batch(struct committer *committer)
{
	phase_begin(committer, PHASE_COMMIT);
	link_send(&committer->link, "BEGIN ISOLATION LEVEL READ COMMITTED", NULL);
	expect(committer, ANSWER_PLAIN);
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

/* -- ranges -- */

static struct range *range_current(struct committer *committer)
{
	return &committer->ranges[committer->range_count - 1];
}

static void range_push(struct committer *committer, size_t first, size_t count)
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

/* Starts the last range, or ends the batch. */
static void range_next(struct committer *committer)
{
	committer->quarantine[0] = '\0';
	committer->attempts = 0;
	if (committer->range_count == 0) {
		committer->phase = PHASE_IDLE;
		return;
	}
	range_build(committer);
	send_batch(committer);
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

/* All that is still open in the batch. */
static void batch_outcome(struct committer *committer, enum commit_outcome outcome)
{
	while (committer->range_count > 0)
		range_outcome(committer, outcome);
}

/* Each filing learns which report stands for it. */
static void range_committed(struct committer *committer)
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
	link_settle(&committer->link);
	range_outcome(committer, COMMIT_LATER);
	range_next(committer);
}

/* -- failures -- */

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

/* The connection is given up, and with it what it was doing. */
static void lose(struct committer *committer, const char *event, int64_t now_ms)
{
	report_down(committer, event);
	batch_outcome(committer, COMMIT_LATER);
	phase_begin(committer, PHASE_DOWN);
	link_fail(&committer->link, now_ms);
}

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
		send_batch(committer);
		return true;
	}
	committer->range_count--;
	range_push(committer, range.first + range.count / 2, range.count - range.count / 2);
	range_push(committer, range.first, range.count / 2);
	range_next(committer);
	return true;
}

static void range_failed(struct committer *committer, int64_t now_ms)
{
	if (blames_chance(committer->sqlstate) && committer->attempts < LIMIT_COMMIT_RETRIES) {
		committer->attempts++;
		send_batch(committer);
	} else if (strncmp(committer->sqlstate, "53", 2) == 0) {
		log_event(LOG_ERROR, "database_no_space", LOG_STR("sqlstate", committer->sqlstate),
			  LOG_STR("error", committer->error));
		batch_outcome(committer, COMMIT_NO_SPACE);
		range_next(committer);
	} else if (!blames_data(committer->sqlstate) || !range_halve(committer)) {
		lose(committer, "commit_failed", now_ms);
	}
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
		lose(committer, "database_unusable", now_ms);
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
			range_committed(committer);
		else
			range_failed(committer, now_ms);
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
				range_committed(committer);
			lose(committer, "database_lost", now_ms);
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
	range_push(committer, 0, count);
	range_next(committer);
}

static void step_connection(struct committer *committer, int64_t now_ms)
{
	switch (link_step(&committer->link, now_ms)) {
	case LINK_NOTHING:
		break;
	case LINK_OPENED:
		send_setup(committer, now_ms);
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
		send_maintain(committer, now_ms);
	if (committer->phase != PHASE_DOWN)
		receive(committer, now_ms);
	if (committer->phase > PHASE_DOWN && committer->phase != PHASE_IDLE &&
	    now_ms >= committer->deadline) {
		fail_with(committer, "", "no answer in time");
		lose(committer, "database_timeout", now_ms);
	}

	if (!committer->items || committer->phase == PHASE_COMMIT)
		return false;
	committer->items = NULL;
	return true;
}
