/* SPDX-License-Identifier: Apache-2.0 */
/* One SMTP command line (RFC 5321 4.1.1): verb and arguments. Knows no state. */
#ifndef BOUNCED_INGEST_SMTP_COMMAND_H
#define BOUNCED_INGEST_SMTP_COMMAND_H

#include <stdbool.h>

#include "core/slice.h"

#define SMTP_VERBS(X) \
	X(EHLO)       \
	X(HELO)       \
	X(MAIL)       \
	X(RCPT)       \
	X(DATA)       \
	X(BDAT)       \
	X(RSET)       \
	X(NOOP)       \
	X(VRFY)       \
	X(EXPN)       \
	X(HELP)       \
	X(QUIT)       \
	X(LHLO)       \
	X(STARTTLS)   \
	X(AUTH)

enum smtp_verb {
#define X(name) SMTP_VERB_##name,
	SMTP_VERBS(X)
#undef X
		SMTP_VERB_HTTP, /* the method of an HTTP request line */
	SMTP_VERB_UNKNOWN,
	SMTP_VERB_COUNT,
};

struct smtp_command {
	enum smtp_verb verb;
	struct slice arguments; /* without blanks around it */
};

/*
 * line: without its CRLF. false where it is no command: empty, or with a control character (NUL, CR
 * and LF among them; TAB is a blank) or DEL anywhere. Bytes above 0x7F are left to the arguments'
 * reader.
 */
bool smtp_command_parse(struct slice line, struct smtp_command *ret_command);

#endif
