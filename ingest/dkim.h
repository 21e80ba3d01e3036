/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DKIM (RFC 6376) by libopendkim, with its keys out of a table of DNS answers, and stricter than
 * the RFC, since a pass may change whom somebody mails:
 *
 * - the header must be unambiguous, and have From, Subject and Content-Type once at most;
 * - From and Subject must be signed; without Content-Type a good signature is `direct_only`;
 * - no l=, SHA-256 only, RSA keys of 1024 bits at least, no key that is only being tested.
 *
 * Whatever breaks one of these is AUTH_POLICY. At most AUTH_DKIM_MAX signatures are looked at.
 */
#ifndef BOUNCED_INGEST_DKIM_H
#define BOUNCED_INGEST_DKIM_H

#include "core/arena.h"
#include "core/authentication.h"
#include "ingest/dns.h"
#include "ingest/header_scan.h"

struct dkim_verifier;

struct dkim_verifier *dkim_verifier_new(void);
void dkim_verifier_free(struct dkim_verifier *verifier);

/*
 * Fills the results, which live in the arena, and returns how many. While keys are missing each is
 * AUTH_WAITING and nothing else has been worked out.
 */
size_t dkim_verify_message(struct dkim_verifier *verifier, const struct header_scan *scan,
			   struct dns_table *table, struct arena *arena,
			   struct auth_dkim ret_results[AUTH_DKIM_MAX]);

/* Why no signature over such a header is believed; empty: it may be. */
struct slice dkim_header_refusal(const struct header_scan *scan);
/* What the rules above say about a signature by its own words alone: why it is refused, or the
 * empty slice; *ret_direct_only as in struct auth_dkim. value: of the DKIM-Signature field. */
struct slice dkim_signature_refusal(struct slice value, bool *ret_direct_only);

#endif
