/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/reporters.h"

#include "ingest/builtin_reporters.h"
#include "ingest/header_scan.h"

#define REPORTERS_MAX 256
#define NETWORKS_MAX  64

struct reporter {
	struct slice name;
	struct slice dkim;
	struct slice spf;
	struct slice from;
	struct slice envelope;
	struct slice types;
	struct ip_network *networks;
	bool unsigned_type; /* believed where Content-Type is not signed, if it was sent directly */
	size_t network_count;
};

struct reporters {
	struct reporter items[REPORTERS_MAX];
	size_t count;
};

/* -- reading -- */

static const char *parse_networks(struct slice list, struct reporter *reporter, struct arena *arena)
{
	reporter->networks = ARENA_ARRAY(arena, struct ip_network, NETWORKS_MAX);
	for (struct slice one; slice_next_field(&list, ',', &one);) {
		if (reporter->network_count == NETWORKS_MAX)
			return "too many networks";
		if (!ip_network_parse(one, &reporter->networks[reporter->network_count++]))
			return "networks must be like 192.0.2.0/24";
	}
	return NULL;
}

static const char *parse_pair(struct slice key, struct slice value, struct reporter *reporter,
			      struct arena *arena)
{
	const struct {
		struct slice key;
		struct slice *member;
	} members[] = {
		{ SLICE_LITERAL("dkim"), &reporter->dkim },
		{ SLICE_LITERAL("spf"), &reporter->spf },
		{ SLICE_LITERAL("from"), &reporter->from },
		{ SLICE_LITERAL("envelope"), &reporter->envelope },
		{ SLICE_LITERAL("types"), &reporter->types },
	};

	if (slice_empty(value))
		return "a key without a value";
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (!slice_equal(key, members[i].key))
			continue;
		*members[i].member = arena_lower(arena, value);
		return NULL;
	}
	if (slice_equal(key, SLICE("unsigned"))) {
		reporter->unsigned_type = slice_equal(value, SLICE("content-type"));
		return reporter->unsigned_type ? NULL : "unsigned may only be content-type";
	}
	if (slice_equal(key, SLICE("networks")))
		return parse_networks(value, reporter, arena);
	return slice_equal(key, SLICE("page")) || slice_equal(key, SLICE("checked"))
		       ? NULL
		       : "unknown key";
}

static const char *check_whole(const struct reporter *reporter)
{
	if (slice_empty(reporter->dkim) && slice_empty(reporter->spf))
		return "dkim or spf is needed";
	if (!slice_empty(reporter->spf) && reporter->network_count == 0)
		return "spf needs networks";
	if (slice_empty(reporter->spf) && reporter->network_count > 0)
		return "networks need spf";
	if (reporter->unsigned_type && slice_empty(reporter->envelope))
		return "unsigned needs envelope";
	return NULL;
}

static bool next_word(struct slice *rest, struct slice *ret_word)
{
	*rest = slice_trim(*rest);
	for (size_t i = 0; i <= rest->len; i++) {
		if (i < rest->len && rest->ptr[i] != ' ' && rest->ptr[i] != '\t')
			continue;
		*ret_word = slice_head(*rest, i);
		*rest = slice_skip(*rest, i);
		break;
	}
	return !slice_empty(*ret_word);
}

/* NULL, or what is wrong. *ret_off: the line only takes its name out. */
static const char *parse_line(struct slice line, struct arena *arena, struct reporter *reporter,
			      bool *ret_off)
{
	struct slice word;

	*reporter = (struct reporter){ .types = SLICE_LITERAL("abuse") };
	(void)next_word(&line, &word);
	reporter->name = arena_copy(arena, word);
	*ret_off = slice_equal(slice_trim(line), SLICE("off"));
	if (*ret_off)
		return NULL;
	while (next_word(&line, &word)) {
		ptrdiff_t equals = slice_find_byte(word, '=');
		const char *problem = equals < 0 ? "expected key=value"
						 : parse_pair(slice_head(word, (size_t)equals),
							      slice_skip(word, (size_t)equals + 1),
							      reporter, arena);

		if (problem != NULL)
			return problem;
	}
	return check_whole(reporter);
}

enum err reporters_parse(struct slice text, const char *name, struct arena *arena,
			 struct reporters **ret_reporters, struct slice *ret_error)
{
	struct reporters *reporters = ARENA_NEW(arena, struct reporters);
	struct slice line;

	for (unsigned number = 1; slice_next_line(&text, &line); number++) {
		struct reporter reporter;
		bool off;

		line = slice_trim(line);
		if (slice_empty(line) || line.ptr[0] == '#')
			continue;
		const char *problem = parse_line(line, arena, &reporter, &off);

		if (problem == NULL && reporters->count == REPORTERS_MAX)
			problem = "too many reporters";
		if (problem != NULL) {
			*ret_error = arena_printf(arena, "%s:%u: %s", name, number, problem);
			return ERR_REFUSE;
		}
		reporters->items[reporters->count++] = reporter;
	}
	*ret_reporters = reporters;
	return OK;
}

/* Among the first `count`. */
static bool has_name(const struct reporters *reporters, size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++)
		if (slice_equal(reporters->items[i].name, name))
			return true;
	return false;
}

enum err reporters_read(struct slice text, const char *name, struct arena *arena,
			struct reporters **ret_reporters, struct slice *ret_error)
{
	struct reporters *own, *builtin;
	enum err err = reporters_parse(text, name, arena, &own, ret_error);

	for (const struct embedded_file *file = EMBEDDED; err == OK && file->name != NULL; file++) {
		err = reporters_parse(slice_from(file->data, file->size), file->name, arena,
				      &builtin, ret_error);
		if (err != OK)
			break;
		size_t own_count = own->count;

		for (size_t i = 0; i < builtin->count && own->count < REPORTERS_MAX; i++)
			if (!has_name(own, own_count, builtin->items[i].name))
				own->items[own->count++] = builtin->items[i];
	}
	if (err == OK)
		*ret_reporters = own;
	return err;
}

/* -- finding -- */

static bool list_has(struct slice list, struct slice word)
{
	for (struct slice one; slice_next_field(&list, ',', &one);)
		if (slice_equal(one, word))
			return true;
	return false;
}

static bool from_fits(const struct reporter *reporter, struct slice from)
{
	struct slice domain = slice_empty(reporter->dkim) ? reporter->spf : reporter->dkim;

	if (!slice_empty(reporter->from))
		return slice_equal(from, reporter->from);
	return domain_within(address_domain(from), domain);
}

static bool envelope_fits(const struct reporter *reporter, struct slice mail_from)
{
	return slice_empty(reporter->envelope) ||
	       domain_within(address_domain(mail_from), reporter->envelope);
}

/* The sender named in the envelope may use the host that sent it, and is the reporter. */
static bool sent_directly(const struct reporter *reporter, const struct auth_spf *spf)
{
	return spf->result == AUTH_PASS && !spf->helo &&
	       domain_within(spf->domain,
			     slice_empty(reporter->envelope) ? reporter->dkim : reporter->envelope);
}

/* proof: where it is proven, whether by a signature that covers To. */
static bool proven_by_dkim(const struct reporter *reporter,
			   const struct authentication *authentication,
			   struct reporter_proof *proof)
{
	bool proven = false;

	proof->direct = sent_directly(reporter, &authentication->spf);
	for (size_t i = 0; i < authentication->dkim_count; i++) {
		const struct auth_dkim *dkim = &authentication->dkim[i];

		if (!slice_equal(dkim->domain, reporter->dkim))
			continue;
		if (dkim->result == AUTH_PASS ||
		    (dkim->direct_only && reporter->unsigned_type && proof->direct)) {
			proven = true;
			proof->signed_to = proof->signed_to || dkim->to_signed;
		}
	}
	return proven;
}

static bool proven_by_spf(const struct reporter *reporter, const struct reporter_evidence *evidence)
{
	const struct auth_spf *spf = &evidence->authentication->spf;

	if (spf->result != AUTH_PASS || spf->helo || evidence->peer == NULL ||
	    !slice_equal(spf->domain, reporter->spf))
		return false;
	for (size_t i = 0; i < reporter->network_count; i++)
		if (ip_network_holds(&reporter->networks[i], evidence->peer))
			return true;
	return false;
}

static bool is_proven(const struct reporter *reporter, const struct reporter_evidence *evidence,
		      struct reporter_proof *ret_proof)
{
	const struct authentication *authentication = evidence->authentication;

	if (!list_has(reporter->types, evidence->feedback_type) ||
	    !from_fits(reporter, authentication->from) ||
	    !envelope_fits(reporter, evidence->mail_from))
		return false;
	*ret_proof = (struct reporter_proof){ .name = reporter->name };
	if (!slice_empty(reporter->dkim) && proven_by_dkim(reporter, authentication, ret_proof))
		return true;
	ret_proof->direct = true;
	return !slice_empty(reporter->spf) && proven_by_spf(reporter, evidence);
}

struct reporter_proof reporters_find(const struct reporters *reporters,
				     const struct reporter_evidence *evidence)
{
	struct reporter_proof proof;

	for (size_t i = 0; i < reporters->count; i++)
		if (is_proven(&reporters->items[i], evidence, &proof))
			return proof;
	return (struct reporter_proof){ .name = SLICE_NONE };
}

static void hope(enum auth_result *result)
{
	if (*result == AUTH_TEMPERROR)
		*result = AUTH_PASS;
}

bool reporters_undecided(const struct reporters *reporters,
			 const struct reporter_evidence *evidence)
{
	struct authentication best = *evidence->authentication;
	struct reporter_evidence hoped = *evidence;

	hope(&best.spf.result);
	for (size_t i = 0; i < best.dkim_count; i++)
		hope(&best.dkim[i].result);
	hoped.authentication = &best;
	return slice_empty(reporters_find(reporters, evidence).name) &&
	       !slice_empty(reporters_find(reporters, &hoped).name);
}
