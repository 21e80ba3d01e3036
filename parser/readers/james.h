/* SPDX-License-Identifier: Apache-2.0 */
/* The form of Apache James, which Verizon's gateways use too. */
#ifndef BOUNCED_PARSER_READERS_JAMES_H
#define BOUNCED_PARSER_READERS_JAMES_H

#include "parser/reader.h"

/* Reads "Error message below:" and the row "RCPT TO:"; the caller has looked at the sender. Returns
 * whether it was read; the score is not set. */
bool james_notice_read(const struct message *message, struct reading *reading);

#endif
