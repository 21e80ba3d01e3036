/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DMARC (RFC 7489): does what SPF or DKIM proved belong to the domain in From? Organisational
 * domains by the public suffix list. Pure, like SPF: AUTH_WAITING while an answer is missing.
 */
#ifndef BOUNCED_INGEST_DMARC_H
#define BOUNCED_INGEST_DMARC_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/authentication.h"
#include "ingest/dns.h"

struct dmarc_record {
	struct slice policy;           /* p: "none", "quarantine", "reject" */
	struct slice subdomain_policy; /* sp; as p where it is not given */
	bool strict_dkim, strict_spf;  /* adkim=s, aspf=s */
};

/* false: it is no DMARC record, or one without a valid policy. */
bool dmarc_record_parse(struct slice text, struct dmarc_record *ret_record);
/* The domain below its public suffix; the domain itself where it is one. Lower case in and out. */
struct slice organisational_domain(struct slice domain, struct arena *arena);
/* Equal, or (unless strict) of the same organisational domain. */
bool dmarc_aligned(struct slice proven, struct slice from, bool strict, struct arena *arena);

/* authentication: `from`, `spf` and `dkim` are final. */
struct auth_dmarc dmarc_check(const struct authentication *authentication, struct dns_table *table,
			      struct arena *arena);

#endif
