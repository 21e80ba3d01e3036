/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors as problem details (RFC 9457): title, status, a stable `code`, a sentence, where there is
 * one the `field` at fault (a parameter's name, or a JSON pointer into the body), and the request's
 * id. Whatever the answer held before is dropped. Never SQL, never a database's words.
 */
#ifndef BOUNCED_API_PROBLEM_H
#define BOUNCED_API_PROBLEM_H

#include "api/call.h"
#include "core/err.h"

void problem(struct call *call, unsigned status, const char *code, const char *detail);
/* field: "limit", "/addresses/17/ref" */
void problem_field(struct call *call, unsigned status, const char *code, const char *field,
		   const char *detail);
/* 400 invalid_parameter */
void problem_param(struct call *call, const char *name, const char *detail);
/*
 * For what the store or the service answered. OK: true, and nothing happens. ERR_RETRY is 503 with
 * Retry-After, ERR_FATAL 500 and a line in the log, ERR_MISSING 404, ERR_REFUSE 422.
 */
bool problem_none(struct call *call, enum err err);

#endif
