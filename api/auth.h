/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bearer keys (RFC 6750) of the form that store/api_key.h describes. An unknown id costs the same
 * work as a wrong secret. Failures are limited for each client address; a valid key never is.
 */
#ifndef BOUNCED_API_AUTH_H
#define BOUNCED_API_AUTH_H

#include <stdbool.h>

#include "api/call.h"
#include "api/throttle.h"

/* Failed attempts of one address (IPv6: of its /64) in a minute. */
#define AUTH_FAILURES_PER_MINUTE 10

/* Fills call->principal. false: refused, and the answer (401, 403, 429, 503) is written. */
bool auth_check(struct call *call, unsigned scope, struct throttle *failures);

#endif
