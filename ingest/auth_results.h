/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authentication-Results (RFC 8601) written by a hop that we trust: a mail exchanger in front of
 * us, which saw the client that we do not see. Only the topmost header with its authserv-id counts;
 * it must remove such headers from what it receives (RFC 8601 5).
 */
#ifndef BOUNCED_INGEST_AUTH_RESULTS_H
#define BOUNCED_INGEST_AUTH_RESULTS_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/authentication.h"
#include "ingest/header_scan.h"

/*
 * false: there is no such header, or it cannot be read; nothing was set. Otherwise `by`, `spf`,
 * `dkim` and `dmarc` are what it says, where a DKIM pass also needs a signature in the message that
 * our own rules let pass (ingest/dkim.h).
 */
bool auth_results_read(const struct header_scan *scan, struct slice authserv_id,
		       struct arena *arena, struct authentication *authentication);

#endif
