/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other systems wrote into a mail to find it again: their return paths and headers, decoded,
 * so that a platform can link a report to its mail by itself. Anyone can write such things: they
 * are shown, and never trusted.
 */
#ifndef BOUNCED_PARSER_IDENTITY_H
#define BOUNCED_PARSER_IDENTITY_H

#include "core/report.h"
#include "parser/message.h"

/*
 * Fills report->original.identifiers: of the returned headers, then of the original's return path
 * and of the address that the report itself went to; at most LIMIT_IDENTIFIERS, none twice. After
 * original_describe().
 */
void identity_describe(const struct header_block *returned, const struct message *message,
		       struct report *report);

#endif
