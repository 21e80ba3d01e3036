/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the attribution share; nobody else includes it.
 *
 *	attribute.c             filings and their events
 *	attribute_identity.c    what ties a report to somebody
 *	attribute_trust.c       how far an event is trusted, and what it does
 *	attribute_keys.c        what makes reports, events and effects the same
 */
#ifndef BOUNCED_INGEST_ATTRIBUTION_H
#define BOUNCED_INGEST_ATTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/directory.h"
#include "core/filing.h"
#include "core/token.h"
#include "ingest/legacy_pattern.h"

/* What ties the report to somebody, before its recipients are looked at. */
struct attribution_identity {
	const struct token *token; /* verified; NULL: none */
	const struct directory_token_key *key;
	struct legacy_match legacy; /* of the envelope recipient, where there is no token */
	bool submitted;             /* handed over with an API key, or on a trusted listener */
};

struct attribution {
	const struct inbound *inbound;
	const struct report *report;
	const struct directory *directory;
	struct arena *arena;
	struct filing *filing;
	struct attribution_identity identity;
	const struct directory_account *account; /* NULL where the directory does not know it */
};

struct attribution_identity attribution_identify(const struct attribution *context,
						 const struct inbound_recipient *recipient);

/* Trust of an event, and whom it is about; recipient: NULL where the report names none. */
void attribution_trust(const struct attribution *context, const struct report_recipient *recipient,
		       struct filing_event *event);
/* What it does, then. */
void attribution_decide_effect(const struct attribution *context,
			       const struct report_recipient *recipient,
			       struct filing_event *event);

void attribution_event_key(const struct attribution *context,
			   const struct report_recipient *recipient, struct filing_event *event);
void attribution_effect_key(const struct attribution *context, struct filing_event *event);
/* identities: of the envelope's recipients, sorted. */
void attribution_report_key(const struct attribution *context, const struct slice *identities,
			    size_t count);
/* What identifies the recipient, however its address was spelled or wrapped. */
struct slice attribution_recipient_identity(const struct inbound_recipient *recipient,
					    struct arena *arena);

#endif
