/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message's way from its last byte to its reply: parser child → authentication, where it matters
 * → attribution → group commit. The same for SMTP and for what the API hands over.
 */
#ifndef BOUNCED_APP_PIPELINE_H
#define BOUNCED_APP_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>

#include "app/directory_cache.h"
#include "core/err.h"
#include "core/inbound.h"
#include "core/uuid.h"
#include "ingest/authenticate.h"
#include "ingest/in_flight.h"
#include "parser/client.h"
#include "store/commit.h"

struct pipeline;

struct pipeline_options {
	struct event_base *base;
	struct committer *committer;         /* borrowed */
	struct directory_cache *directory;   /* borrowed; must be loaded before the first message */
	struct authenticator *authenticator; /* borrowed */
	struct in_flight *in_flight;         /* borrowed; counts what is on its way */
	unsigned parsers;
	struct parser_options parser;
};

struct pipeline_result {
	enum commit_outcome outcome; /* never COMMIT_PENDING */
	struct uuid report_id; /* with COMMIT_DONE; the first account's where there are several */
	bool duplicate;        /* it was durable before */
};

/* Called once per message, at the latest LIMIT_REPLY_MS after it was given; what is not durable by
 * then may still become so, and its repetition meets its key. */
typedef void pipeline_done(void *context, uint64_t tag, const struct pipeline_result *result);

/* ERR_FATAL where the parser children could not be started. Caller frees once it is idle. */
enum err pipeline_new(const struct pipeline_options *options,
		      struct pipeline **ret_pipeline) MUST_CHECK;
void pipeline_free(struct pipeline *pipeline);

/* inbound moves to the pipeline. */
void pipeline_submit(struct pipeline *pipeline, struct inbound *inbound, pipeline_done *done,
		     void *context, uint64_t tag);

/* Messages on their way. */
size_t pipeline_count(const struct pipeline *pipeline);
/* No more should come: too much is in flight. */
bool pipeline_full(const struct pipeline *pipeline);

#endif
