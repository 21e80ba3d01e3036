/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of Exim and of the systems built on it share. */
#ifndef BOUNCED_PARSER_READERS_EXIM_H
#define BOUNCED_PARSER_READERS_EXIM_H

#include "parser/reader.h"

/* Reads a notice in Exim's form, whoever sent it; the caller has looked at the evidence. Returns
 * whether it names a recipient; kind, recipients and returned are then set, the score is not. */
bool exim_notice_read(const struct message *message, struct reading *reading);

#endif
