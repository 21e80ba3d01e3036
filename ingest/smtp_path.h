/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments of MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3): a path and ESMTP parameters: SIZE
 * (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), AUTH (RFC 4954 5), which is what a client says
 * of others and means nothing, and those of DSN (RFC 3461), which are checked and ignored: nothing
 * here ever sends a DSN.
 *
 * Senders are only recorded, so whatever is well-formed passes. Recipients decide where mail goes:
 * every form that another mailer may read as a route to elsewhere is refused.
 */
#ifndef BOUNCED_INGEST_SMTP_PATH_H
#define BOUNCED_INGEST_SMTP_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/slice.h"
#include "ingest/smtp_reply.h"

/* Slices point into the arguments. */
struct smtp_mail {
	struct slice address; /* without <>; empty for the null sender */
	uint64_t size;        /* as declared; 0 when not */
	bool smtputf8;
};

/* "FROM:<…> …". NULL, or the refusal. */
const struct smtp_reply *smtp_mail_parse(struct slice arguments, struct smtp_mail *ret_mail);

/* "TO:<…> …". smtputf8: the transaction allows it. NULL, or the refusal. */
const struct smtp_reply *smtp_rcpt_parse(struct slice arguments, bool smtputf8,
					 struct slice *ret_address);

#endif
