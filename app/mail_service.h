/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers the questions of an ingest process's mail server: MAIL by whether messages can be stored
 * now, RCPT and AUTH from the directory cache, a message by the pipeline. Where the directory does
 * not know what is asked about, the question waits for a fresh one; and where a DNS block list may
 * turn the client away, for that list.
 */
#ifndef BOUNCED_APP_MAIL_SERVICE_H
#define BOUNCED_APP_MAIL_SERVICE_H

#include <stdbool.h>

#include "app/directory_cache.h"
#include "app/pipeline.h"
#include "core/config.h"
#include "ingest/block_lists.h"
#include "ingest/recipient.h"
#include "ingest/refusal.h"
#include "ingest/server.h"
#include "ingest/verification_guard.h"
#include "store/commit.h"

struct waiting_question;

/* Recipients that were told to come later, for one reason. */
struct put_off {
	uint64_t times; /* since the log said so */
	int64_t quiet_until;
};

/* All borrowed, and filled in by its owner before the server listens. */
struct mail_service {
	const struct config *config;
	struct refusal_counters *refusals;
	struct committer *committer;
	struct directory_cache *directory;
	struct pipeline *pipeline;
	struct server *server;
	struct verification_guard *guard;
	struct block_lists *block_lists; /* NULL: none are asked */

	struct recipient_counters counters;
	struct put_off put_off[RCPT_OUTCOME_COUNT];
	struct waiting_question *waiting; /* for a fresh directory */
};

/* For server_new(). */
struct smtp_service mail_service_questions(struct mail_service *service);
/* Messages can be stored now. context: the service, as others ask by a callback. */
bool mail_service_may_take(void *context);
/* A fresh directory came, or could not be had: for directory_cache_new(). */
void mail_service_on_directory(void *context, bool loaded);
/* What RCPT answered since the start, to the log. */
void mail_service_log_counters(const struct mail_service *service);

#endif
