/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of Sendmail and of the systems that copy its form share. */
#ifndef BOUNCED_PARSER_READERS_SENDMAIL_H
#define BOUNCED_PARSER_READERS_SENDMAIL_H

#include "parser/reader.h"

/* Reads the list of addresses and the transcript; the caller has looked at the sender. Returns
 * whether a recipient was named; kind, recipients and returned are then set, the score is not. */
bool sendmail_notice_read(const struct message *message, struct reading *reading);

/* Where the returned message begins. */
extern const char *const SENDMAIL_RETURNED[];

#endif
