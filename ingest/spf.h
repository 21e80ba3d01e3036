/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SPF (RFC 7208): may this host use this domain? Pure: the answers of DNS come from a table, and
 * while one is missing the result is AUTH_WAITING; call again once it has been answered.
 *
 * At most 10 terms that look up names, 10 names of an MX or PTR, 2 lookups without an answer
 * (4.6.4). The explanation (exp=) is checked as syntax and never fetched: nobody would read it.
 */
#ifndef BOUNCED_INGEST_SPF_H
#define BOUNCED_INGEST_SPF_H

#include "core/arena.h"
#include "core/authentication.h"
#include "core/network.h"
#include "core/slice.h"
#include "ingest/dns.h"

struct spf_input {
	struct ip_address ip; /* of the client; IPv4-mapped counts as IPv4 */
	struct slice helo;
	struct slice mail_from; /* empty: the null sender, for whom HELO stands */
};

/* The result's slices live in the arena or point into the input. */
struct auth_spf spf_check(const struct spf_input *input, struct dns_table *table,
			  struct arena *arena);

#endif
