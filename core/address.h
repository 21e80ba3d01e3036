/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail addresses: stored as they came, matched by their normal form, which is the local part with
 * ASCII letters lowered and needless quotes removed, and the domain as A-labels in lower case
 * without a trailing dot. Never Unicode case folding: KELVIN SIGN must not match k. No folding of
 * dots or plus tags.
 */
#ifndef BOUNCED_CORE_ADDRESS_H
#define BOUNCED_CORE_ADDRESS_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/slice.h"

struct address {
	struct slice local;  /* as it came, quotes included */
	struct slice domain; /* as it came */
};

/*
 * Splits at the @ that ends the local part (a quoted local part may contain @). false when there is
 * no local part or no domain. Accepts <…> around it. Domain literals count as domains.
 */
bool address_split(struct slice text, struct address *ret_address);

/* The normal form in the arena, or the empty slice where `text` is no address. */
struct slice address_normalise(struct arena *arena, struct slice text);
/* A-labels, lower case, no trailing dot; the empty slice where it is no domain name. */
struct slice domain_normalise(struct arena *arena, struct slice domain);

#endif
