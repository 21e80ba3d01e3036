/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/admission.h"

#include "core/limits.h"

static bool is_trusted(const struct admission *admission, const struct ip_address *peer)
{
	for (size_t i = 0; i < admission->trusted_count; i++)
		if (ip_network_holds(&admission->trusted[i], peer))
			return true;
	return false;
}

bool admission_is_limited(const struct admission *admission, struct slice peer,
			  struct ip_address *ret_address)
{
	struct ip_address address;

	if (!ip_parse(peer, &address))
		return false;
	*ret_address = ip_unmap(address);
	return !is_trusted(admission, ret_address);
}

bool admission_open(const struct admission *admission, struct slice peer, bool proxy,
		    int64_t now_ms, struct peer_ticket *ret_ticket)
{
	struct ip_address address;
	bool limited = !proxy && admission_is_limited(admission, peer, &address);

	*ret_ticket = PEER_TICKET_NONE;
	return admission->limits == NULL ||
	       peer_limits_open(admission->limits, admission->seat, limited ? &address : NULL,
				now_ms, ret_ticket);
}

bool admission_claim(const struct admission *admission, struct slice peer, int64_t now_ms,
		     struct peer_ticket *ticket)
{
	struct ip_address address;

	return admission->limits == NULL || !admission_is_limited(admission, peer, &address) ||
	       peer_limits_claim(admission->limits, admission->seat, &address, now_ms, ticket);
}

void admission_close(const struct admission *admission, struct peer_ticket *ticket)
{
	if (admission->limits != NULL)
		peer_limits_close(admission->limits, admission->seat, ticket);
}

struct refusal_counters *admission_refusals(const struct admission *admission)
{
	return admission->limits == NULL ? NULL : peer_limits_refusals(admission->limits);
}

static bool at_least(unsigned connections, unsigned capacity, unsigned percent)
{
	return (uint64_t)connections * 100 >= (uint64_t)capacity * percent;
}

bool admission_update(struct admission *admission, unsigned connections, unsigned capacity)
{
	const struct peer_limits *limits = admission->limits;
	bool before = admission->stressed;
	/* One that is stressed already remains so longer, lest it change with every connection. */
	unsigned percent = before ? LIMIT_STRESS_END : LIMIT_STRESS_BEGIN;

	admission->stressed = at_least(connections, capacity, percent) ||
			      (limits != NULL && at_least(peer_limits_connections(limits),
							  peer_limits_capacity(limits), percent));
	return admission->stressed != before;
}
