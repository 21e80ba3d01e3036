/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report says a thing twice: in fields for machines and in words for people. The fields say best
 * whom it is about; the words often say more of what happened: which command was refused, or what
 * the other side said at all.
 */
#ifndef BOUNCED_PARSER_COMPLETE_H
#define BOUNCED_PARSER_COMPLETE_H

#include "parser/reader.h"

/*
 * Fills what the recipients of a reading leave open (the diagnostic with its reply code, the remote
 * host, the refused command) from another reading of the same message, for those whom both name.
 * Nothing that a reading has said is changed.
 */
void reading_complete(struct reading *reading, const struct reading *other);

#endif
