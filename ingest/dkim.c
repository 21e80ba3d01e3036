/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/dkim.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sys/types.h>

#include <dkim.h>

#include "core/limits.h"
#include "ingest/tag_list.h"

#define SIGNATURE    SLICE("DKIM-Signature")
#define KEY_BITS_MIN 1024

struct dkim_verifier {
	DKIM_LIB *library;
};

/* One signature on its way through the library. */
struct attempt {
	struct slice domain, selector;
	const struct dns_answer *key;
};

/* -- what the signature says about itself -- */

static bool header_list_has(struct slice list, struct slice name)
{
	for (struct slice one; slice_next_field(&list, ':', &one);)
		if (slice_equal_nocase(slice_trim(one), name))
			return true;
	return false;
}

static bool has_tag(struct slice list, struct slice name)
{
	struct slice tag, value;

	while (tag_next(&list, &tag, &value) > 0)
		if (slice_equal(tag, name))
			return true;
	return false;
}

static bool signs_to(struct slice value)
{
	struct slice headers;

	return tag_find(value, SLICE("h"), &headers) && header_list_has(headers, SLICE("To"));
}

struct slice dkim_signature_refusal(struct slice value, bool *ret_direct_only)
{
	struct slice algorithm, headers;

	*ret_direct_only = false;
	if (has_tag(value, SLICE("l")))
		return SLICE("only a part of the body is signed");
	if (!tag_find(value, SLICE("a"), &algorithm) ||
	    (!slice_equal_nocase(algorithm, SLICE("rsa-sha256")) &&
	     !slice_equal_nocase(algorithm, SLICE("ed25519-sha256"))))
		return SLICE("weak or unknown algorithm");
	if (!tag_find(value, SLICE("h"), &headers) || !header_list_has(headers, SLICE("From")))
		return SLICE("From is not signed");
	if (!header_list_has(headers, SLICE("Subject")))
		return SLICE("Subject is not signed");
	*ret_direct_only = !header_list_has(headers, SLICE("Content-Type"));
	return SLICE_NONE;
}

struct slice dkim_header_refusal(const struct header_scan *scan)
{
	/* of these a signature covers the last, and a reader may take the first */
	static const struct slice once[] = { SLICE_LITERAL("From"), SLICE_LITERAL("Subject"),
					     SLICE_LITERAL("Content-Type"),
					     SLICE_LITERAL("Content-Transfer-Encoding"),
					     SLICE_LITERAL("MIME-Version") };

	if (scan->ambiguous)
		return SLICE("the header can be read in two ways");
	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
		if (header_scan_count(scan, once[i]) > 1)
			return SLICE("a header field stands twice");
	return SLICE_NONE;
}

/* -- the library -- */

static bool same_text(const unsigned char *text, struct slice expected)
{
	return text != NULL && slice_equal_nocase(slice_from_cstr((const char *)text), expected);
}

/* The library asks for a key: it must be the one that was fetched. */
static DKIM_CBSTAT look_up_key(DKIM *dkim, DKIM_SIGINFO *signature, u_char *buffer, size_t size)
{
	const struct attempt *attempt = dkim_get_user_context(dkim);

	if (!same_text(dkim_sig_getdomain(signature), attempt->domain) ||
	    !same_text(dkim_sig_getselector(signature), attempt->selector))
		return DKIM_CBSTAT_ERROR;
	if (attempt->key->failed)
		return DKIM_CBSTAT_TRYAGAIN;
	/* Of several records none is the key (RFC 6376 3.6.2.2). */
	if (attempt->key->count != 1 || attempt->key->records[0].len >= size)
		return DKIM_CBSTAT_NOTFOUND;
	struct slice record = attempt->key->records[0];

	memcpy(buffer, record.ptr, record.len);
	buffer[record.len] = '\0';
	return DKIM_CBSTAT_CONTINUE;
}

struct dkim_verifier *dkim_verifier_new(void)
{
	struct dkim_verifier *verifier = calloc(1, sizeof(*verifier));
	/* The library would hold Ed25519 keys to the length of RSA keys: we look ourselves. */
	u_int bits = 0;

	if (verifier == NULL)
		abort();
	verifier->library = dkim_init(NULL, NULL);
	if (verifier->library == NULL ||
	    dkim_set_key_lookup(verifier->library, look_up_key) != DKIM_STAT_OK ||
	    dkim_options(verifier->library, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits,
			 sizeof(bits)) != DKIM_STAT_OK)
		abort();
	return verifier;
}

void dkim_verifier_free(struct dkim_verifier *verifier)
{
	if (verifier == NULL)
		return;
	dkim_close(verifier->library);
	free(verifier);
}

/* The library takes what it only reads as not const. */
static u_char *unconst(struct slice s)
{
	return (u_char *)(uintptr_t)s.ptr;
}

/* The header with this one signature, so that its result is no other's. */
static DKIM_STAT feed(DKIM *dkim, const struct header_scan *scan,
		      const struct header_field *signature)
{
	DKIM_STAT status = DKIM_STAT_OK;
	bool testing;

	for (size_t i = 0; i < scan->count && status == DKIM_STAT_OK; i++) {
		const struct header_field *field = &scan->fields[i];

		if (field == signature || !slice_equal_nocase(field->name, SIGNATURE))
			status = dkim_header(dkim, unconst(field->whole), field->whole.len);
	}
	if (status == DKIM_STAT_OK)
		status = dkim_eoh(dkim);
	if (status == DKIM_STAT_OK && !slice_empty(scan->body))
		status = dkim_body(dkim, unconst(scan->body), scan->body.len);
	return status == DKIM_STAT_OK ? dkim_eom(dkim, &testing) : status;
}

static enum auth_result refuse(struct auth_dkim *result, enum auth_result word, struct slice why)
{
	result->reason = why;
	return word;
}

static enum auth_result judge(DKIM *dkim, DKIM_STAT status, const struct attempt *attempt,
			      struct auth_dkim *result)
{
	DKIM_SIGINFO **signatures = NULL, *signature;
	dkim_alg_t algorithm;
	unsigned bits = 0;
	int count = 0;

	if (attempt->key->failed)
		return refuse(result, AUTH_TEMPERROR, SLICE("no answer from DNS"));
	if (dkim_getsiglist(dkim, &signatures, &count) != DKIM_STAT_OK || count != 1)
		return refuse(result, AUTH_PERMERROR, slice_from_cstr(dkim_getresultstr(status)));
	signature = signatures[0];
	if (!DKIM_SIG_CHECK(signature)) {
		bool bad = dkim_sig_geterror(signature) == DKIM_SIGERROR_BADSIG ||
			   dkim_sig_getbh(signature) == DKIM_SIGBH_MISMATCH;

		if (bad)
			return refuse(result, AUTH_FAIL, SLICE("the message was changed"));
		return refuse(result, AUTH_PERMERROR,
			      slice_from_cstr(dkim_sig_geterrorstr(dkim_sig_geterror(signature))));
	}
	if (dkim_sig_getsignalg(signature, &algorithm) != DKIM_STAT_OK ||
	    dkim_sig_getkeysize(signature, &bits) != DKIM_STAT_OK)
		return refuse(result, AUTH_PERMERROR, SLICE("unknown key"));
	if (algorithm == DKIM_SIGN_RSASHA256 && bits < KEY_BITS_MIN)
		return refuse(result, AUTH_POLICY, SLICE("the key is too short"));
	if ((dkim_sig_getflags(signature) & DKIM_SIGFLAG_TESTKEY) != 0)
		return refuse(result, AUTH_POLICY, SLICE("the key is for tests"));
	if (result->direct_only)
		return refuse(result, AUTH_POLICY, SLICE("Content-Type is not signed"));
	return AUTH_PASS;
}

static void verify(struct dkim_verifier *verifier, const struct header_scan *scan,
		   const struct header_field *field, const struct dns_answer *key,
		   struct auth_dkim *result)
{
	struct attempt attempt = { result->domain, result->selector, key };
	DKIM_STAT status = DKIM_STAT_OK;
	DKIM *dkim = dkim_verify(verifier->library, (const unsigned char *)"", NULL, &status);

	if (dkim == NULL || dkim_set_user_context(dkim, &attempt) != DKIM_STAT_OK)
		abort();
	status = feed(dkim, scan, field);
	result->result = judge(dkim, status, &attempt, result);
	/* it says that the signature itself is good */
	result->direct_only = result->direct_only && result->result == AUTH_POLICY &&
			      slice_equal(result->reason, SLICE("Content-Type is not signed"));
	dkim_free(dkim);
}

/* -- a message -- */

/* What can be said without its key; AUTH_WAITING: nothing. */
static void begin(const struct header_scan *scan, const struct header_field *field,
		  struct slice refusal, struct auth_dkim *result, struct arena *arena)
{
	struct slice domain = SLICE_NONE, selector = SLICE_NONE;
	bool complete = tag_find(field->value, SLICE("d"), &domain) &&
			tag_find(field->value, SLICE("s"), &selector);

	*result = (struct auth_dkim){ .domain = arena_lower(arena, domain),
				      .selector = arena_lower(arena, selector),
				      .reason = refusal };
	if (slice_empty(refusal))
		result->reason = dkim_signature_refusal(field->value, &result->direct_only);
	if (slice_empty(result->reason) && scan->body.len > LIMIT_DKIM_BODY)
		result->reason = SLICE("the message is too large");
	if (!slice_empty(result->reason))
		result->result = AUTH_POLICY;
	else if (!complete)
		result->result = refuse(result, AUTH_PERMERROR, SLICE("no domain or selector"));
	else
		result->result = AUTH_WAITING;
	result->direct_only = result->direct_only && result->result == AUTH_WAITING;
	result->to_signed = signs_to(field->value);
}

static const struct dns_answer *find_key(const struct auth_dkim *result, struct dns_table *table,
					 struct arena *arena)
{
	return dns_lookup(table,
			  arena_printf(arena, "%.*s._domainkey.%.*s", SLICE_ARG(result->selector),
				       SLICE_ARG(result->domain)),
			  DNS_TXT);
}

size_t dkim_verify_message(struct dkim_verifier *verifier, const struct header_scan *scan,
			   struct dns_table *table, struct arena *arena,
			   struct auth_dkim ret_results[AUTH_DKIM_MAX])
{
	const struct header_field *fields[AUTH_DKIM_MAX];
	const struct dns_answer *keys[AUTH_DKIM_MAX] = { NULL };
	struct slice refusal = dkim_header_refusal(scan);
	size_t count = 0;
	bool waiting = false;

	for (size_t i = 0; i < scan->count && count < AUTH_DKIM_MAX; i++) {
		struct auth_dkim *result = &ret_results[count];

		if (!slice_equal_nocase(scan->fields[i].name, SIGNATURE))
			continue;
		fields[count] = &scan->fields[i];
		begin(scan, fields[count], refusal, result, arena);
		if (result->result == AUTH_WAITING) {
			keys[count] = find_key(result, table, arena);
			waiting = waiting || keys[count] == NULL;
		}
		count++;
	}
	for (size_t i = 0; i < count && !waiting; i++)
		if (ret_results[i].result == AUTH_WAITING)
			verify(verifier, scan, fields[i], keys[i], &ret_results[i]);
	return count;
}
