/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two ways in which a client of SMTP AUTH (RFC 4954) says a name and a password: PLAIN (RFC
 * 4616) and LOGIN. Lines in, credentials out; nothing is verified here. Strict base64, no NUL in
 * what is said. Memory that held a password is wiped.
 */
#ifndef BOUNCED_INGEST_SASL_H
#define BOUNCED_INGEST_SASL_H

#include <stdbool.h>

#include "core/slice.h"

struct sasl;

struct sasl_credentials {
	struct slice user;
	struct slice password;
};

enum sasl_result {
	SASL_CONTINUE, /* send sasl_challenge(), and give the line that comes next */
	SASL_DONE,     /* sasl_credentials() */
	SASL_BROKEN,
	SASL_CANCELLED,
};

/* NULL for a mechanism that we do not have. Caller frees. */
struct sasl *sasl_new(struct slice mechanism);
void sasl_free(struct sasl *sasl);

/* line: base64, "=" for an empty initial response, "*" cancels; without CRLF. */
enum sasl_result sasl_next(struct sasl *sasl, struct slice line);
/* What to ask for now, in base64; empty for PLAIN. */
struct slice sasl_challenge(const struct sasl *sasl);
/* Borrowed. */
struct sasl_credentials sasl_credentials(const struct sasl *sasl);

#endif
