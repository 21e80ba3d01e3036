/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request target (RFC 9112 3.2.1, origin form only), read strictly and decoded exactly once:
 * the HTTP library's own reading of it is not used, because it stops at %00 and resolves nothing.
 *
 * A plus sign in a query is a plus sign (RFC 3986), so that `?address=a+b@x.example` means what it
 * says.
 */
#ifndef BOUNCED_API_TARGET_H
#define BOUNCED_API_TARGET_H

#include "api/request.h"
#include "core/arena.h"

#define TARGET_SEGMENTS_MAX 8
#define TARGET_PARAMS_MAX   32

/*
 * Fills path, query, segments and params from request->target. Returns NULL, or why the target is
 * refused: not origin form, characters outside RFC 3986, a broken escape, an encoded control
 * character or invalid UTF-8, an empty or dot segment, too many segments or parameters.
 */
const char *target_parse(struct request *request, struct arena *arena);

#endif
