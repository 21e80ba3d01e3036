/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate: what the HTTP library lets through although two readers could understand it differently
 * (RFC 9112 6.3, 11.2). It looks at the head of a request before anything else does; whoever does
 * not pass is answered and cut off, because what follows on the connection cannot be trusted.
 *
 * Bare LF line ends, folded lines and NUL in a value are invisible behind the library: a proxy in
 * front must not share upstream connections between clients (docs/api.md).
 */
#ifndef BOUNCED_API_GATE_H
#define BOUNCED_API_GATE_H

#include "api/request.h"
#include "core/arena.h"

struct gate_verdict {
	unsigned status;    /* 0: passed; otherwise the HTTP status to answer */
	const char *detail; /* what is wrong */
};

/* Also parses the target: path, query, segments and params are set when it passed. */
struct gate_verdict gate_check(struct request *request, struct arena *arena);

#endif
