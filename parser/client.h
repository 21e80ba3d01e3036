/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent's side of a parser child: starts it (this program exec'ed again, with one socketpair
 * and nothing else), sends it messages and takes its reports, over a non-blocking descriptor that
 * the caller polls. No event library here: `bounced parse` uses poll(2), ingest libevent.
 *
 * Messages are answered in the order they were sent. A child that dies or exceeds LIMIT_PARSE_MS is
 * the fault of the oldest unanswered message: parser_client_replace() starts a new child, reports
 * that message as quarantined, and sends the others again.
 */
#ifndef BOUNCED_PARSER_CLIENT_H
#define BOUNCED_PARSER_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/report.h"

struct parser_client;

struct parser_options {
	bool explain;      /* ask for the trail */
	int rules_fd;      /* of rules_snapshot(), borrowed; 0: the built-in rules only */
	unsigned parse_ms; /* 0: LIMIT_PARSE_MS */
};

/* ERR_RETRY when no child could be started (errno says why). Caller frees. */
enum err parser_client_new(const struct parser_options *options,
			   struct parser_client **ret_client) MUST_CHECK;
/* Kills and reaps the child. NULL is fine. */
void parser_client_free(struct parser_client *client);

int parser_client_fd(const struct parser_client *client);
pid_t parser_client_pid(const struct parser_client *client);
/* Messages sent and not yet answered. */
size_t parser_client_pending(const struct parser_client *client);
bool parser_client_wants_write(const struct parser_client *client);
/* When the oldest unanswered message has had its time (monotonic ms), or INT64_MAX. */
int64_t parser_client_deadline(const struct parser_client *client);

/* raw is borrowed until its answer was taken by parser_client_next(). */
void parser_client_send(struct parser_client *client, void *tag, struct slice raw);

/* Reads and writes what is possible without blocking. ERR_RETRY: the child is gone or late (time is
 * checked against now_ms, monotonic): call parser_client_replace(). */
enum err parser_client_pump(struct parser_client *client, int64_t now_ms) MUST_CHECK;

/*
 * Takes the next answer: true, the tag given to send, and the report, whose text lives in the arena
 * (one arena per answer: the caller's).
 */
bool parser_client_next(struct parser_client *client, struct arena *arena, void **ret_tag,
			struct report *ret_report);

/* After ERR_RETRY of pump. The culprit's answer, quarantined, is taken by parser_client_next(). */
enum err parser_client_replace(struct parser_client *client, int64_t now_ms) MUST_CHECK;

/* The child: never returns. Reached by `bounced parser-child` only. */
_Noreturn void parser_child_main(int argc, char **argv);

#endif
