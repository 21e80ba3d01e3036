/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/auth_results.h"

#include "ingest/dkim.h"
#include "ingest/tag_list.h"

/* One "method=result ptype.property=value …". */
struct statement {
	struct slice method;
	enum auth_result result;
	struct slice properties;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/*
 * The value with comments and folds as single spaces, none around "=", and quoted strings without
 * quotes. What could pass for syntax inside a quoted string becomes "?". Empty where comments or
 * quotes do not end.
 */
static struct slice plain(struct slice value, struct arena *arena)
{
	char *out = arena_alloc(arena, value.len + 1);
	unsigned comments = 0;
	bool quoted = false;
	size_t len = 0;

	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (c == '\\' && (quoted || comments > 0)) {
			i++;
			continue;
		}
		if (quoted) {
			quoted = c != '"';
			if (quoted)
				out[len++] = is_space(c) || c == ';' || c == '=' ? '?' : c;
			continue;
		}
		if (c == '(' || (c == ')' && comments > 0)) {
			comments = c == '(' ? comments + 1 : comments - 1;
			c = ' ';
		} else if (comments > 0) {
			continue;
		}
		if (c == '"') {
			quoted = true;
		} else if (is_space(c)) {
			if (len > 0 && out[len - 1] != ' ' && out[len - 1] != '=')
				out[len++] = ' ';
		} else {
			if (c == '=' && len > 0 && out[len - 1] == ' ')
				len--;
			out[len++] = c;
		}
	}
	return quoted || comments > 0 ? SLICE_NONE : slice_trim(slice_from(out, len));
}

/* The name before the first space or ";". */
static struct slice authserv_id_of(struct slice text)
{
	size_t len = 0;

	while (len < text.len && text.ptr[len] != ' ' && text.ptr[len] != ';')
		len++;
	return slice_head(text, len);
}

/* false: not one that can be read ("none", an unknown result). */
static bool statement_parse(struct slice piece, struct statement *ret_statement)
{
	struct slice rest = slice_trim(piece), word;

	if (!slice_next_field(&rest, ' ', &word))
		return false;
	ptrdiff_t equals = slice_find_byte(word, '=');

	if (equals <= 0)
		return false;
	struct slice method = slice_head(word, (size_t)equals);
	ptrdiff_t slash = slice_find_byte(method, '/'); /* a version */

	ret_statement->method = slash < 0 ? method : slice_head(method, (size_t)slash);
	ret_statement->properties = rest;
	return auth_result_parse(slice_skip(word, (size_t)equals + 1), &ret_statement->result);
}

static struct slice property(const struct statement *statement, struct slice name)
{
	struct slice rest = statement->properties, word;

	while (slice_next_field(&rest, ' ', &word)) {
		if (word.len > name.len && word.ptr[name.len] == '=' &&
		    slice_starts_with_nocase(word, name))
			return slice_skip(word, name.len + 1);
	}
	return SLICE_NONE;
}

/* The domain of an address, or what is a domain already. */
static struct slice domain_of(struct slice value, struct arena *arena)
{
	ptrdiff_t at = slice_rfind_byte(value, '@');

	return arena_lower(arena, slice_skip(value, (size_t)(at + 1)));
}

static void take_spf(const struct statement *statement, struct arena *arena, struct auth_spf *spf)
{
	struct slice mail_from = property(statement, SLICE("smtp.mailfrom"));

	spf->result = statement->result;
	spf->helo = slice_empty(mail_from);
	spf->domain =
		domain_of(spf->helo ? property(statement, SLICE("smtp.helo")) : mail_from, arena);
}

/* Why our own rules do not let any signature of that domain and selector pass; empty: they do. */
static struct slice own_refusal(const struct header_scan *scan, struct auth_dkim *dkim)
{
	struct slice refusal = dkim_header_refusal(scan);

	if (!slice_empty(refusal))
		return refusal;
	refusal = SLICE("no such signature in the message");
	for (size_t i = 0; i < scan->count; i++) {
		const struct header_field *field = &scan->fields[i];
		struct slice domain, selector;

		if (!slice_equal_nocase(field->name, SLICE("DKIM-Signature")) ||
		    !tag_find(field->value, SLICE("d"), &domain) ||
		    !tag_find(field->value, SLICE("s"), &selector) ||
		    !slice_equal_nocase(domain, dkim->domain) ||
		    (!slice_empty(dkim->selector) && !slice_equal_nocase(selector, dkim->selector)))
			continue;
		refusal = dkim_signature_refusal(field->value, &dkim->direct_only);
		/* of several the hop does not say which one passed */
		if (!slice_empty(refusal) || dkim->direct_only)
			break;
	}
	return refusal;
}

static void take_dkim(const struct statement *statement, const struct header_scan *scan,
		      struct arena *arena, struct authentication *authentication)
{
	struct auth_dkim *dkim = &authentication->dkim[authentication->dkim_count];
	struct slice domain = property(statement, SLICE("header.d"));

	if (authentication->dkim_count == AUTH_DKIM_MAX)
		return;
	if (slice_empty(domain))
		domain = property(statement, SLICE("header.i"));
	*dkim = (struct auth_dkim){ .result = statement->result,
				    .domain = domain_of(domain, arena),
				    .selector = arena_lower(arena,
							    property(statement, SLICE("header.s"))),
				    .reason = SLICE_NONE };
	authentication->dkim_count++;
	if (dkim->result != AUTH_PASS)
		return;
	dkim->reason = own_refusal(scan, dkim);
	if (slice_empty(dkim->reason) && dkim->direct_only)
		dkim->reason = SLICE("Content-Type is not signed");
	else
		dkim->direct_only = false;
	if (!slice_empty(dkim->reason))
		dkim->result = AUTH_POLICY;
}

static void take_dmarc(const struct statement *statement, struct arena *arena,
		       struct auth_dmarc *dmarc)
{
	dmarc->result = statement->result;
	dmarc->domain = domain_of(property(statement, SLICE("header.from")), arena);
	dmarc->policy = arena_lower(arena, property(statement, SLICE("policy.dmarc")));
}

static void take_statements(struct slice text, const struct header_scan *scan, struct arena *arena,
			    struct authentication *authentication)
{
	struct slice piece;

	(void)slice_next_field(&text, ';', &piece); /* the authserv-id */
	while (slice_next_field(&text, ';', &piece)) {
		struct statement statement;

		if (!statement_parse(piece, &statement))
			continue;
		if (slice_equal_nocase(statement.method, SLICE("spf")))
			take_spf(&statement, arena, &authentication->spf);
		else if (slice_equal_nocase(statement.method, SLICE("dkim")))
			take_dkim(&statement, scan, arena, authentication);
		else if (slice_equal_nocase(statement.method, SLICE("dmarc")))
			take_dmarc(&statement, arena, &authentication->dmarc);
	}
}

bool auth_results_read(const struct header_scan *scan, struct slice authserv_id,
		       struct arena *arena, struct authentication *authentication)
{
	if (scan->ambiguous)
		return false;
	for (size_t i = 0; i < scan->count; i++) {
		if (!slice_equal_nocase(scan->fields[i].name, SLICE("Authentication-Results")))
			continue;
		struct slice text = plain(scan->fields[i].value, arena);

		if (!slice_equal_nocase(authserv_id_of(text), authserv_id))
			continue;
		authentication->by = arena_copy(arena, authserv_id);
		take_statements(text, scan, arena, authentication);
		return true;
	}
	return false;
}
