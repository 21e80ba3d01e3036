/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one event asks of the suppression list, before trust is looked at (design: suppression
 * policy).
 */
#ifndef BOUNCED_INGEST_POLICY_H
#define BOUNCED_INGEST_POLICY_H

#include <stdbool.h>

#include "core/filing.h"
#include "core/report.h"

struct policy_decision {
	bool suppress;
	enum origin origin;
	struct slice stream; /* "all" or "marketing" */
	struct slice policy; /* the line that decided, e.g. "default/userunknown" */
};

/* recipient: NULL where the report names none */
struct policy_decision policy_decide(const struct report *report,
				     const struct report_recipient *recipient);

/* Days for which a token may still have an effect, by what arrived; INT32_MAX: as long as its key.
 */
int32_t policy_token_days(enum report_kind kind);

#endif
