/* SPDX-License-Identifier: Apache-2.0 */
/* SMTP replies of one line (RFC 5321 4.2) with enhanced status codes (RFC 2034). */
#ifndef BOUNCED_INGEST_SMTP_REPLY_H
#define BOUNCED_INGEST_SMTP_REPLY_H

#include "core/buf.h"
#include "core/slice.h"

/* "250", "2.1.5", "OK". Static text or text that outlives the call it is given to. */
struct smtp_reply {
	unsigned code;
	const char *enhanced; /* NULL: none */
	struct slice text;
};

/* An initialiser; `text` is a string literal. */
#define SMTP_REPLY(code, enhanced, text)                \
	{                                               \
		(code), (enhanced), SLICE_LITERAL(text) \
	}

/* Appends the line. Of the text, what is not printable ASCII becomes "?", and the line stays within
 * the 512 bytes of RFC 5321 4.5.3.1.5, so no text can end the line or begin another reply. */
void smtp_reply_format(const struct smtp_reply *reply, struct buf *out);

#endif
