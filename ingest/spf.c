/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/spf.h"

#include "core/buf.h"
#include "ingest/spf_macro.h"
#include "ingest/spf_record.h"

#define TERMS_MAX 10
#define NAMES_MAX 10
#define VOIDS_MAX 2

/* One check, through all its includes and redirects. */
struct check {
	struct ip_address ip;
	struct slice reverse; /* the name under which the address's PTR stands */
	struct spf_macros macros;
	struct dns_table *table;
	struct arena *arena;
	unsigned terms, voids;
};

/* Whether a mechanism matches, or what ends the check instead. */
enum match {
	MATCH_NO,
	MATCH_YES,
	MATCH_TEMPERROR,
	MATCH_PERMERROR,
	MATCH_WAITING,
};

static enum auth_result check_host(struct check *check, struct slice domain);

/* -- the address -- */

static struct slice ip_dotted(const struct ip_address *ip, struct arena *arena)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *b = ip->bytes;

	if (!ip->v6)
		return arena_printf(arena, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	char *text = arena_alloc(arena, 64);

	for (size_t i = 0; i < 32; i++) {
		text[2 * i] = hex[i % 2 == 0 ? b[i / 2] >> 4 : b[i / 2] & 15];
		text[2 * i + 1] = '.';
	}
	return slice_from(text, 63);
}

static void describe_ip(struct check *check)
{
	static const struct slice reversed = SLICE_LITERAL("%{ir}.%{v}.arpa");

	check->macros.ip = ip_dotted(&check->ip, check->arena);
	check->macros.version = check->ip.v6 ? SLICE("ip6") : SLICE("in-addr");
	check->reverse = spf_macro_expand(reversed, &check->macros, check->arena);
}

/* -- lookups -- */

/* NULL: *ret_match says why not. A term's own question without an answer counts (4.6.4). */
static const struct dns_answer *term_lookup(struct check *check, struct slice name,
					    enum dns_type type, enum match *ret_match)
{
	const struct dns_answer *answer = dns_lookup(check->table, name, type);

	if (answer == NULL) {
		*ret_match = MATCH_WAITING;
		return NULL;
	}
	if (answer->failed) {
		*ret_match = MATCH_TEMPERROR;
		return NULL;
	}
	if (answer->count == 0 && ++check->voids > VOIDS_MAX) {
		*ret_match = MATCH_PERMERROR;
		return NULL;
	}
	return answer;
}

static enum dns_type address_type(const struct check *check)
{
	return check->ip.v6 ? DNS_AAAA : DNS_A;
}

static bool any_address_holds(const struct check *check, const struct dns_answer *answer,
			      unsigned bits)
{
	size_t len = check->ip.v6 ? 16 : 4;

	for (size_t i = 0; i < answer->count; i++) {
		struct ip_network network = { { .v6 = check->ip.v6 }, bits };

		if (answer->records[i].len != len)
			continue;
		for (size_t j = 0; j < len; j++)
			network.base.bytes[j] = (uint8_t)answer->records[i].ptr[j];
		if (ip_network_holds(&network, &check->ip))
			return true;
	}
	return false;
}

/* Of the names that the address's PTR gives, is this one its own (5.5)? Errors make it another's.
 */
static enum match name_validated(struct check *check, struct slice name)
{
	const struct dns_answer *answer = dns_lookup(check->table, name, address_type(check));

	if (answer == NULL)
		return MATCH_WAITING;
	return !answer->failed && any_address_holds(check, answer, check->ip.v6 ? 128 : 32)
		       ? MATCH_YES
		       : MATCH_NO;
}

static bool is_below(struct slice name, struct slice domain)
{
	return name.len > domain.len && slice_ends_with_nocase(name, domain) &&
	       name.ptr[name.len - domain.len - 1] == '.';
}

/*
 * The first validated name that is the domain or below it, among the first ten; an empty domain
 * stands for any. MATCH_YES: *ret_name.
 */
static enum match validated_name(struct check *check, struct slice domain, struct slice *ret_name)
{
	const struct dns_answer *answer = dns_lookup(check->table, check->reverse, DNS_PTR);

	if (answer == NULL)
		return MATCH_WAITING;
	for (size_t i = 0; !answer->failed && i < answer->count && i < NAMES_MAX; i++) {
		struct slice name = answer->records[i];

		if (!slice_empty(domain) && !is_below(name, domain) &&
		    !slice_equal_nocase(name, domain))
			continue;
		enum match match = name_validated(check, name);

		if (match == MATCH_NO)
			continue;
		*ret_name = name;
		return match;
	}
	return MATCH_NO;
}

/* -- macros -- */

/* %{p}: the domain itself or a name below it, else any, else "unknown" (7.3). */
static enum match expand_validated(struct check *check)
{
	const struct slice domains[] = { check->macros.domain, SLICE_NONE };

	check->macros.validated = SLICE("unknown");
	for (size_t i = 0; i < 2; i++) {
		enum match match = validated_name(check, domains[i], &check->macros.validated);

		if (match != MATCH_NO)
			return match;
	}
	return MATCH_YES;
}

/* MATCH_YES: *ret_name. An empty domain-spec is the current domain. */
static enum match expand(struct check *check, struct slice domain_spec, struct slice domain,
			 struct slice *ret_name)
{
	enum match match = MATCH_YES;

	*ret_name = domain;
	if (slice_empty(domain_spec))
		return match;
	check->macros.domain = domain;
	if (spf_macro_uses(domain_spec, 'p'))
		match = expand_validated(check);
	if (match == MATCH_YES)
		*ret_name = spf_macro_expand(domain_spec, &check->macros, check->arena);
	return match;
}

/* -- mechanisms -- */

static enum match match_addresses(struct check *check, const struct spf_directive *directive,
				  const struct dns_answer *answer)
{
	unsigned bits = check->ip.v6 ? directive->bits6 : directive->bits4;

	return any_address_holds(check, answer, bits) ? MATCH_YES : MATCH_NO;
}

static enum match match_a(struct check *check, const struct spf_directive *directive,
			  struct slice name)
{
	enum match match;
	const struct dns_answer *answer = term_lookup(check, name, address_type(check), &match);

	return answer == NULL ? match : match_addresses(check, directive, answer);
}

static enum match match_mx(struct check *check, const struct spf_directive *directive,
			   struct slice name)
{
	enum match match;
	const struct dns_answer *hosts = term_lookup(check, name, DNS_MX, &match);

	if (hosts == NULL)
		return match;
	if (hosts->count > NAMES_MAX)
		return MATCH_PERMERROR;
	for (size_t i = 0; i < hosts->count; i++) {
		const struct dns_answer *answer =
			dns_lookup(check->table, hosts->records[i], address_type(check));

		if (answer == NULL)
			return MATCH_WAITING;
		if (answer->failed)
			return MATCH_TEMPERROR;
		if (match_addresses(check, directive, answer) == MATCH_YES)
			return MATCH_YES;
	}
	return MATCH_NO;
}

static enum match match_exists(struct check *check, struct slice name)
{
	enum match match;
	const struct dns_answer *answer = term_lookup(check, name, DNS_A, &match);

	if (answer == NULL)
		return match;
	return answer->count > 0 ? MATCH_YES : MATCH_NO;
}

static enum match match_include(struct check *check, struct slice name)
{
	enum auth_result result = check_host(check, name);

	if (result == AUTH_PASS)
		return MATCH_YES;
	if (result == AUTH_WAITING)
		return MATCH_WAITING;
	if (result == AUTH_TEMPERROR)
		return MATCH_TEMPERROR;
	return result == AUTH_PERMERROR || result == AUTH_NONE ? MATCH_PERMERROR : MATCH_NO;
}

static enum match match_directive(struct check *check, const struct spf_directive *directive,
				  struct slice domain)
{
	enum match match;
	struct slice name;

	if (directive->mechanism == SPF_ALL)
		return MATCH_YES;
	if (directive->mechanism == SPF_IP4 || directive->mechanism == SPF_IP6)
		return ip_network_holds(&directive->network, &check->ip) ? MATCH_YES : MATCH_NO;
	if (++check->terms > TERMS_MAX)
		return MATCH_PERMERROR;
	match = expand(check, directive->domain_spec, domain, &name);
	if (match != MATCH_YES)
		return match;
	switch (directive->mechanism) {
	case SPF_A:
		return match_a(check, directive, name);
	case SPF_MX:
		return match_mx(check, directive, name);
	case SPF_PTR:
		return validated_name(check, name, &name);
	case SPF_EXISTS:
		return match_exists(check, name);
	case SPF_INCLUDE:
		return match_include(check, name);
	case SPF_ALL:
	case SPF_IP4:
	case SPF_IP6:
		break;
	}
	return MATCH_NO;
}

/* -- records -- */

/* The domain's one record. Otherwise the result that follows from there being none. */
static enum auth_result find_record(struct check *check, struct slice domain,
				    struct spf_record *ret_record)
{
	const struct dns_answer *answer;
	const struct slice *found = NULL;

	if (!dns_name_valid(domain) || slice_find_byte(dns_name_chop(domain), '.') < 0)
		return AUTH_NONE;
	answer = dns_lookup(check->table, domain, DNS_TXT);
	if (answer == NULL)
		return AUTH_WAITING;
	if (answer->failed)
		return AUTH_TEMPERROR;
	for (size_t i = 0; i < answer->count; i++) {
		if (!spf_record_is(answer->records[i]))
			continue;
		if (found != NULL)
			return AUTH_PERMERROR;
		found = &answer->records[i];
	}
	if (found == NULL)
		return AUTH_NONE;
	return spf_record_parse(*found, check->arena, ret_record) ? AUTH_PASS : AUTH_PERMERROR;
}

static enum auth_result follow_redirect(struct check *check, const struct spf_record *record,
					struct slice domain)
{
	struct slice name;
	enum match match;

	if (slice_empty(record->redirect))
		return AUTH_NEUTRAL;
	if (++check->terms > TERMS_MAX)
		return AUTH_PERMERROR;
	match = expand(check, record->redirect, domain, &name);
	if (match == MATCH_WAITING)
		return AUTH_WAITING;
	enum auth_result result = check_host(check, name);

	return result == AUTH_NONE ? AUTH_PERMERROR : result;
}

/* Recursion is bounded by TERMS_MAX. */
static enum auth_result check_host(struct check *check, struct slice domain)
{
	struct spf_record record;
	enum auth_result result = find_record(check, domain, &record);

	if (result != AUTH_PASS)
		return result;
	for (size_t i = 0; i < record.count; i++) {
		switch (match_directive(check, &record.directives[i], domain)) {
		case MATCH_NO:
			break;
		case MATCH_YES:
			return record.directives[i].result;
		case MATCH_TEMPERROR:
			return AUTH_TEMPERROR;
		case MATCH_PERMERROR:
			return AUTH_PERMERROR;
		case MATCH_WAITING:
			return AUTH_WAITING;
		}
	}
	return follow_redirect(check, &record, domain);
}

struct auth_spf spf_check(const struct spf_input *input, struct dns_table *table,
			  struct arena *arena)
{
	struct check check = { .ip = ip_unmap(input->ip), .table = table, .arena = arena };
	struct auth_spf spf = { .helo = slice_empty(input->mail_from) };
	ptrdiff_t at = slice_rfind_byte(input->mail_from, '@');
	struct slice local =
		at > 0 ? slice_head(input->mail_from, (size_t)at) : SLICE("postmaster");

	spf.domain = arena_lower(arena, spf.helo ? input->helo
						 : slice_skip(input->mail_from, (size_t)(at + 1)));
	check.macros = (struct spf_macros){
		.sender = arena_printf(arena, "%.*s@%.*s", SLICE_ARG(local), SLICE_ARG(spf.domain)),
		.local = local,
		.sender_domain = spf.domain,
		.helo = input->helo,
		.validated = SLICE("unknown"),
	};
	describe_ip(&check);
	spf.result = check_host(&check, spf.domain);
	return spf;
}
