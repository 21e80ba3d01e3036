/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Legacy patterns: return paths that another system made and that a bounce domain takes all the
 *same, so that a sender can point at us before it mints tokens. Pure.
 *
 * A pattern is a template of the local part with {local} and {domain} (the mail's recipient), {ref}
 * (the platform's number) and {hmac} (hex digits):
 *
 *	news-bounces+{local}={domain}        bounce-{ref}-{hmac}
 *
 * Its words match in any case. Where a text fits in more than one way, {ref} is as short as can be,
 * {local} and {domain} as long as can be. The HMAC is made over another template of the same
 *values.
 */
#ifndef BOUNCED_INGEST_LEGACY_PATTERN_H
#define BOUNCED_INGEST_LEGACY_PATTERN_H

#include <stdint.h>

#include "core/arena.h"
#include "core/directory.h"
#include "core/slice.h"

/* Patterns of one domain. */
#define LEGACY_PATTERNS_MAX 8
/* Of a template, and of a local part that is looked at: the work grows with its square. */
#define LEGACY_TEXT_MAX 255
/* Hex digits of an HMAC: at least 32 bits. */
#define LEGACY_MAC_DIGITS_MIN 8
/* Days that an unsigned pattern lives unless something else is asked for. */
#define LEGACY_DAYS_DEFAULT 45

enum legacy_verdict {
	LEGACY_NONE,     /* fits no pattern that is still valid */
	LEGACY_BAD_MAC,  /* fits one, but its HMAC is wrong */
	LEGACY_UNSIGNED, /* anyone could have written it */
	LEGACY_VERIFIED,
};

struct legacy_match {
	enum legacy_verdict verdict;
	struct slice address; /* the mail's recipient in normal form; empty where it is not there */
	struct slice ref;     /* empty where it is not there */
};

/* local: of the envelope recipient, as it came. The first pattern that it fits decides. Results
 * live in the arena or in `local`. */
struct legacy_match legacy_pattern_match(const struct directory_domain *domain, struct slice local,
					 int64_t unix_ms, struct arena *arena);

/* Why the pattern cannot stand, for a person; empty when it can. The secret is not looked at. */
struct slice legacy_pattern_problem(const struct directory_pattern *pattern);

#endif
