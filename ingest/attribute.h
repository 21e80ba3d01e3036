/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a message and what the parser read in it to filings: whose report it is, whom each of its
 * events is about, how far it can be trusted, and what it does (design: identity and trust).
 *
 * The account comes from a verified token or an API key, never from a header.
 */
#ifndef BOUNCED_INGEST_ATTRIBUTE_H
#define BOUNCED_INGEST_ATTRIBUTE_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/directory.h"
#include "core/filing.h"

struct filings {
	struct filing
		*items; /* one for each account among the envelope's recipients; in the arena */
	size_t count;
};

/*
 * inbound, report: borrowed by the filings. arena: the filings live there. Never fails: what fits
 * nobody becomes an unattributed event of the account that owns the recipient's domain.
 */
struct filings attribute(const struct inbound *inbound, const struct report *report,
			 const struct directory *directory, struct arena *arena);

/*
 * Whether it could matter who sent the report: a feedback report without a valid token, that was
 * not handed over by somebody known. attribute() then looks at inbound->authentication.
 */
bool attribute_wants_authentication(const struct inbound *inbound, const struct report *report,
				    const struct directory *directory, struct arena *arena);

#endif
