/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One ingest process: SMTP in, parser children, attribution, group commit, and only then 250. Also
 * takes what the API hands over (app/handover.h), by the same way.
 */
#ifndef BOUNCED_APP_INGEST_PROCESS_H
#define BOUNCED_APP_INGEST_PROCESS_H

#include "app/process.h"

int ingest_process_main(const struct process_context *context);

#endif
