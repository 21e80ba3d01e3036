/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the committer share; nobody else includes it.
 *
 *	commit.c            life cycle, the connection, answers
 *	commit_send.c       what each phase sends
 *	commit_range.c      ranges of a batch, and what becomes of them
 */
#ifndef BOUNCED_STORE_COMMIT_MACHINE_H
#define BOUNCED_STORE_COMMIT_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "core/arena.h"
#include "store/batch.h"
#include "store/commit.h"
#include "store/link.h"

/* The ranges still to do: one per level of halving. */
#define RANGES_MAX 16

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

/* BEGIN, DISCARD PLANS, the statements, Sync, COMMIT, Sync are the most of any phase. */
#define ANSWERS_MAX (COMMIT_STATEMENT_COUNT + 5)

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
	uint64_t stored;    /* by this connection */
	uint64_t replan_at; /* so many stored: plans made for smaller tables are forgotten */

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

/* Each begins a phase and sends all of it. */
void commit_send_setup(struct committer *committer, int64_t now_ms);
void commit_send_maintain(struct committer *committer, int64_t now_ms);
void commit_send_batch(struct committer *committer);
/* Forgets what the last phase answered. */
void commit_phase_begin(struct committer *committer, enum phase phase);

void commit_range_push(struct committer *committer, size_t first, size_t count);
/* Starts the last range, or ends the batch. */
void commit_range_next(struct committer *committer);
/* The range under way is durable; each of its filings learns which report stands for it. */
void commit_range_committed(struct committer *committer);
/* It failed: is tried again, or halved, or given up. */
void commit_range_failed(struct committer *committer, int64_t now_ms);
/* All that is still open in the batch. */
void commit_batch_outcome(struct committer *committer, enum commit_outcome outcome);

/* Gives up the connection, and with it what it was doing. */
void commit_lose(struct committer *committer, const char *event, int64_t now_ms);

#endif
