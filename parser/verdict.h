/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict on one recipient: what its status, reply code and diagnostic mean, once a reader has
 * said what they are.
 */
#ifndef BOUNCED_PARSER_VERDICT_H
#define BOUNCED_PARSER_VERDICT_H

#include "core/report.h"
#include "core/slice.h"
#include "parser/rules.h"

/*
 * Fills reason, severity, class_, rule and matched. A reason that the reader has already set is
 * kept, with its rule. kind is that of the whole report: only a bounce or a delay has a reason of
 * its own; a complaint's is `feedback`, an auto-reply's `vacation`, a success's `delivered`.
 * agent: the name of the reader. What is still being tried is never hard. rule lives as long as the
 * rules; matched points into the recipient's own text.
 */
void verdict_recipient(const struct rules *rules, struct slice agent, enum report_kind kind,
		       struct report_recipient *recipient);

#endif
