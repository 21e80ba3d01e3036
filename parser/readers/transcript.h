/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transcripts of SMTP sessions as Sendmail writes them:
 *
 *	... while talking to mx.example.:
 *	>>> DATA
 *	<<< 550 5.2.1 Mailbox disabled
 *	550 5.1.1 <user@example.invalid>... User unknown
 *
 * The line without an arrow is the mail system's own verdict on the replies above it.
 */
#ifndef BOUNCED_PARSER_READERS_TRANSCRIPT_H
#define BOUNCED_PARSER_READERS_TRANSCRIPT_H

#include "core/arena.h"
#include "core/slice.h"

struct verdict_line {
	struct slice address; /* empty where the verdict is about all */
	struct slice words;   /* "550 5.1.1 <user@example.invalid>... User unknown"; with the
			       * lines above it where a local program printed them */
	struct slice
		reply;     /* the remote host's words, without arrows, in the arena; may be empty */
	struct slice host; /* who said them */
	struct slice command; /* "RCPT", "DATA", …; what ">>>" said last */
};

struct transcript {
	struct arena *arena;
	struct slice rest;
	struct slice host;
	struct slice command;
};

void transcript_init(struct transcript *transcript, struct slice text, struct arena *arena);
bool transcript_next(struct transcript *transcript, struct verdict_line *ret_line);

#endif
