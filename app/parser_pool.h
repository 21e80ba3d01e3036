/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser children of one ingest process: gives each message to the one with the least to do,
 * and starts a new child where one died.
 */
#ifndef BOUNCED_APP_PARSER_POOL_H
#define BOUNCED_APP_PARSER_POOL_H

#include <event2/event.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/report.h"
#include "core/slice.h"
#include "parser/client.h"

struct parser_pool;

/* Takes the report of one message; its text lives in the arena, which moves to the callee. */
typedef void parser_pool_done(void *context, void *tag, struct arena *arena,
			      const struct report *report);

/* ERR_FATAL where no child could be started; it has been logged. Caller frees. */
enum err parser_pool_new(struct event_base *base, unsigned children,
			 const struct parser_options *options, parser_pool_done *done,
			 void *context, struct parser_pool **ret_pool) MUST_CHECK;
void parser_pool_free(struct parser_pool *pool);
/* raw is borrowed until done. */
void parser_pool_parse(struct parser_pool *pool, void *tag, struct slice raw);

#endif
