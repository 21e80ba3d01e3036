/* SPDX-License-Identifier: Apache-2.0 */
/* The ingest side of app/handover.h: takes raw messages from the api process, gives them to the
 * pipeline, and writes the outcome back. */
#ifndef BOUNCED_APP_HANDOVER_SERVER_H
#define BOUNCED_APP_HANDOVER_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include <event2/event.h>

#include "app/pipeline.h"

struct handover_server;

/* may_take(context): false while messages are answered with "later". fd moves to the server. */
struct handover_server *handover_server_new(struct event_base *base, int fd, size_t raw_max,
					    struct pipeline *pipeline,
					    bool (*may_take)(void *context), void *context);
/* Accepts no more; what was begun goes on. */
void handover_server_stop(struct handover_server *server);
/* NULL is fine. Streams still open are closed; their messages must be done. */
void handover_server_free(struct handover_server *server);
/* Requests not yet answered. */
size_t handover_server_count(const struct handover_server *server);

#endif
