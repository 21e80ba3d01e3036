/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a raw message as its signers saw it: fields in their order, exactly as they stand.
 * Only CRLF ends a line. What other readers could take for line ends (CR or LF alone), and NUL,
 * make the header `ambiguous`: nothing that it claims is to be believed.
 */
#ifndef BOUNCED_INGEST_HEADER_SCAN_H
#define BOUNCED_INGEST_HEADER_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/slice.h"

struct header_field {
	struct slice name;  /* without white space before the colon */
	struct slice value; /* what follows the colon, with its folds, without the last CRLF */
	struct slice whole; /* both, as signed */
};

struct header_scan {
	struct header_field *fields;
	size_t count;
	struct slice body; /* behind the empty line */
	bool ambiguous;    /* or more than LIMIT_HEADERS fields, or lines that are none */
};

/* Everything points into raw; the array lives in the arena. */
struct header_scan header_scan(struct slice raw, struct arena *arena);
size_t header_scan_count(const struct header_scan *scan, struct slice name);
/* The first such field, or NULL. */
const struct header_field *header_scan_find(const struct header_scan *scan, struct slice name);

/*
 * The one address of the one field of that name (From, To), in lower case, or empty: more than one
 * field, more than one address, a group, or anything that two readers could read differently.
 */
struct slice header_scan_address(const struct header_scan *scan, struct slice name,
				 struct arena *arena);
/* What follows the @ of an address; empty without one. */
struct slice address_domain(struct slice address);

/* The domain itself or a name below it; ASCII case does not matter. */
bool domain_within(struct slice name, struct slice domain);

#endif
