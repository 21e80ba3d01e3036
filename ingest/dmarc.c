/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/dmarc.h"

#include <libpsl.h>

#include "ingest/header_scan.h"
#include "ingest/tag_list.h"

static bool policy_valid(struct slice word)
{
	return slice_equal_nocase(word, SLICE("none")) ||
	       slice_equal_nocase(word, SLICE("quarantine")) ||
	       slice_equal_nocase(word, SLICE("reject"));
}

bool dmarc_record_parse(struct slice text, struct dmarc_record *ret_record)
{
	struct dmarc_record record = { 0 };
	struct slice rest = text, name, value;

	/* the version comes first, exactly (6.3) */
	if (tag_next(&rest, &name, &value) <= 0 || !slice_equal(name, SLICE("v")) ||
	    !slice_equal(value, SLICE("DMARC1")))
		return false;
	if (!tag_find(text, SLICE("p"), &record.policy) || !policy_valid(record.policy))
		return false;
	if (!tag_find(text, SLICE("sp"), &record.subdomain_policy) ||
	    !policy_valid(record.subdomain_policy))
		record.subdomain_policy = record.policy;
	record.strict_dkim =
		tag_find(text, SLICE("adkim"), &value) && slice_equal_nocase(value, SLICE("s"));
	record.strict_spf =
		tag_find(text, SLICE("aspf"), &value) && slice_equal_nocase(value, SLICE("s"));
	*ret_record = record;
	return true;
}

struct slice organisational_domain(struct slice domain, struct arena *arena)
{
	const char *name = arena_cstr(arena, domain);
	const char *found = psl_registrable_domain(psl_builtin(), name);

	return found == NULL ? domain : slice_from_cstr(found);
}

bool dmarc_aligned(struct slice proven, struct slice from, bool strict, struct arena *arena)
{
	if (slice_empty(proven) || strict)
		return !slice_empty(proven) && slice_equal_nocase(proven, from);
	return slice_equal_nocase(organisational_domain(proven, arena),
				  organisational_domain(from, arena));
}

/* AUTH_PASS: *ret_record. */
static enum auth_result find_record(struct slice domain, struct dns_table *table,
				    struct arena *arena, struct dmarc_record *ret_record)
{
	const struct dns_answer *answer =
		dns_lookup(table, arena_printf(arena, "_dmarc.%.*s", SLICE_ARG(domain)), DNS_TXT);
	size_t found = 0;

	if (answer == NULL)
		return AUTH_WAITING;
	if (answer->failed)
		return AUTH_TEMPERROR;
	for (size_t i = 0; i < answer->count; i++)
		found += dmarc_record_parse(answer->records[i], ret_record);
	return found == 1 ? AUTH_PASS : AUTH_NONE;
}

/* The signature is good, even where our own rules do not let it pass. */
static bool dkim_proves(const struct auth_dkim *dkim)
{
	return dkim->result == AUTH_PASS || dkim->direct_only;
}

static enum auth_result evaluate(const struct authentication *authentication,
				 const struct dmarc_record *record, struct slice from,
				 struct arena *arena)
{
	const struct auth_spf *spf = &authentication->spf;
	bool unknown = spf->result == AUTH_TEMPERROR;

	if (spf->result == AUTH_PASS && dmarc_aligned(spf->domain, from, record->strict_spf, arena))
		return AUTH_PASS;
	for (size_t i = 0; i < authentication->dkim_count; i++) {
		const struct auth_dkim *dkim = &authentication->dkim[i];

		if (dkim_proves(dkim) &&
		    dmarc_aligned(dkim->domain, from, record->strict_dkim, arena))
			return AUTH_PASS;
		unknown = unknown || dkim->result == AUTH_TEMPERROR;
	}
	return unknown ? AUTH_TEMPERROR : AUTH_FAIL;
}

struct auth_dmarc dmarc_check(const struct authentication *authentication, struct dns_table *table,
			      struct arena *arena)
{
	struct auth_dmarc dmarc = { .domain = address_domain(authentication->from),
				    .policy = SLICE_NONE };
	struct dmarc_record record;

	if (slice_empty(dmarc.domain))
		return dmarc;
	struct slice organisation = organisational_domain(dmarc.domain, arena);
	bool above = false;

	dmarc.result = find_record(dmarc.domain, table, arena, &record);
	if (dmarc.result == AUTH_NONE && !slice_equal(organisation, dmarc.domain)) {
		above = true;
		dmarc.result = find_record(organisation, table, arena, &record);
	}
	if (dmarc.result != AUTH_PASS)
		return dmarc;
	dmarc.policy = arena_lower(arena, above ? record.subdomain_policy : record.policy);
	dmarc.result = evaluate(authentication, &record, dmarc.domain, arena);
	return dmarc;
}
