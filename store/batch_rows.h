/* SPDX-License-Identifier: Apache-2.0 */
/* One filing, event or suppression as the texts of its row; for batch.c. */
#ifndef BOUNCED_STORE_BATCH_ROWS_H
#define BOUNCED_STORE_BATCH_ROWS_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/filing.h"
#include "core/slice.h"

/* In the order of the statements' parameters. */
enum report_text {
	REPORT_TEXT_KIND,
	REPORT_TEXT_FORMAT,
	REPORT_TEXT_TRUST,
	REPORT_TEXT_SOURCE,
	REPORT_TEXT_PEER,
	REPORT_TEXT_HELO,
	REPORT_TEXT_TLS,
	REPORT_TEXT_MAIL_FROM,
	REPORT_TEXT_RECIPIENTS,
	REPORT_TEXT_DETAIL,
	REPORT_TEXT_QUARANTINE,
	REPORT_TEXT_FLAGS,
	REPORT_TEXT_AUTHENTICATION,
	REPORT_TEXT_COUNT
};

/* The first eight are what the roll-ups need. */
enum event_text {
	EVENT_TEXT_KIND,
	EVENT_TEXT_CLASS,
	EVENT_TEXT_REASON,
	EVENT_TEXT_SEVERITY,
	EVENT_TEXT_TRUST,
	EVENT_TEXT_RECIPIENT_DOMAIN,
	EVENT_TEXT_PROVIDER,
	EVENT_TEXT_EFFECT,
	EVENT_TEXT_ADDRESS,
	EVENT_TEXT_ORIGINAL_ADDRESS,
	EVENT_TEXT_ADDRESS_KEY,
	EVENT_TEXT_REF,
	EVENT_TEXT_ACTION,
	EVENT_TEXT_STATUS,
	EVENT_TEXT_REPLY_CODE,
	EVENT_TEXT_REMOTE_MTA,
	EVENT_TEXT_DIAGNOSTIC,
	EVENT_TEXT_RULE,
	EVENT_TEXT_MATCHED,
	EVENT_TEXT_FEEDBACK_TYPE,
	EVENT_TEXT_POLICY,
	EVENT_TEXT_COUNT
};

enum suppression_text {
	SUPPRESSION_TEXT_STREAM,
	SUPPRESSION_TEXT_ADDRESS,
	SUPPRESSION_TEXT_ADDRESS_KEY,
	SUPPRESSION_TEXT_REF,
	SUPPRESSION_TEXT_REASON,
	SUPPRESSION_TEXT_ORIGIN,
	SUPPRESSION_TEXT_POLICY,
	SUPPRESSION_TEXT_EVIDENCE,
	SUPPRESSION_TEXT_COUNT
};

void report_row(const struct filing *filing, struct arena *arena,
		struct slice ret_row[REPORT_TEXT_COUNT]);
/* Nothing that came out of the parser: only what the envelope says, and why. */
void report_row_quarantined(const struct filing *filing, struct slice why, struct arena *arena,
			    struct slice ret_row[REPORT_TEXT_COUNT]);
void event_row(const struct filing *filing, const struct filing_event *event,
	       struct slice ret_row[EVENT_TEXT_COUNT]);
/* false where the event suppresses nobody. */
bool suppression_row(const struct filing *filing, const struct filing_event *event,
		     struct arena *arena, struct slice ret_row[SUPPRESSION_TEXT_COUNT]);
enum address_text { ADDRESS_TEXT_WRITTEN, ADDRESS_TEXT_KEY, ADDRESS_TEXT_COUNT };

/* The event's address, as it was written and in normal form. */
void address_row(const struct filing_event *event, struct arena *arena,
		 struct slice ret_row[ADDRESS_TEXT_COUNT]);
/* Complaints and unsubscribes: nothing weaker replaces them, and they do not go without consent. */
bool suppression_is_final(const struct filing_event *event);

#endif
