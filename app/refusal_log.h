/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes how many clients were refused and why, as one line for all ingest processes: when asked,
 * and every REFUSAL_LOG_MS in which there was anything new.
 */
#ifndef BOUNCED_APP_REFUSAL_LOG_H
#define BOUNCED_APP_REFUSAL_LOG_H

#include <stdint.h>

#include "ingest/peer_limits.h"

#define REFUSAL_LOG_MS (10 * 60 * 1000)

struct refusal_log {
	struct peer_limits *limits; /* borrowed; NULL: there is nothing to write, ever */
	uint64_t written;           /* the sum of all causes, then */
	int64_t due_ms;
};

void refusal_log_init(struct refusal_log *log, struct peer_limits *limits, int64_t now_ms);
void refusal_log_write(struct refusal_log *log);
/* Writes when it is time. Returns when it will be next; INT64_MAX: never. */
int64_t refusal_log_do_due(struct refusal_log *log, int64_t now_ms);

#endif
