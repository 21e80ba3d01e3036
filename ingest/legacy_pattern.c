/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/legacy_pattern.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "core/address.h"
#include "core/encoding.h"
#include "core/hash.h"
#include "core/timestamp.h"
#include "core/token.h"

enum piece_kind { PIECE_LOCAL, PIECE_DOMAIN, PIECE_REF, PIECE_HMAC, PIECE_LITERAL };
#define VALUE_COUNT PIECE_LITERAL

static const struct slice NAMES[VALUE_COUNT] = {
	[PIECE_LOCAL] = SLICE_LITERAL("{local}"),
	[PIECE_DOMAIN] = SLICE_LITERAL("{domain}"),
	[PIECE_REF] = SLICE_LITERAL("{ref}"),
	[PIECE_HMAC] = SLICE_LITERAL("{hmac}"),
};

struct piece {
	enum piece_kind kind;
	struct slice text; /* of a literal */
};

/* A value each at most, and words around them. */
#define PIECES_MAX (2 * VALUE_COUNT + 1)

struct template
{
	struct piece pieces[PIECES_MAX];
	size_t count;
	bool has[VALUE_COUNT];
};

/* -- templates -- */

static bool take_value(struct slice *rest, struct template *template)
{
	for (size_t kind = 0; kind < VALUE_COUNT; kind++) {
		if (!slice_starts_with(*rest, NAMES[kind]))
			continue;
		if (template->has[kind])
			return false;
		template->has[kind] = true;
		template->pieces[template->count++].kind = (enum piece_kind)kind;
		*rest = slice_skip(*rest, NAMES[kind].len);
		return true;
	}
	return false;
}

/* false: an unknown or repeated value. */
static bool template_parse(struct slice text, struct template *ret_template)
{
	struct template template = { .count = 0 };

	while (!slice_empty(text)) {
		ptrdiff_t brace = slice_find_byte(text, '{');
		size_t len = brace < 0 ? text.len : (size_t)brace;

		if (len > 0)
			template.pieces[template.count++] =
				(struct piece){ PIECE_LITERAL, slice_head(text, len) };
		text = slice_skip(text, len);
		if (!slice_empty(text) && !take_value(&text, &template))
			return false;
	}
	*ret_template = template;
	return true;
}

/* -- matching -- */

struct matcher {
	struct template template;
	size_t mac_digits;
	struct slice values[VALUE_COUNT];
};

static bool is_hex(char c)
{
	return ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f');
}

static bool value_allows(enum piece_kind kind, char c)
{
	switch (kind) {
	case PIECE_LOCAL:
		return c > ' ' && c < 127 && c != '"';
	case PIECE_DOMAIN:
		return ascii_is_alnum(c) || c == '.' || c == '-';
	case PIECE_REF:
		return ascii_is_alnum(c) || c == '.' || c == '-' || c == '_';
	case PIECE_HMAC:
		return is_hex(c);
	case PIECE_LITERAL:
		break;
	}
	return false;
}

static bool match_pieces(struct matcher *matcher, size_t at, struct slice rest);

/* Tries `len` bytes as the value of the piece, and the rest for those behind it. */
static bool match_value(struct matcher *matcher, size_t at, struct slice rest, size_t len)
{
	enum piece_kind kind = matcher->template.pieces[at].kind;

	matcher->values[kind] = slice_head(rest, len);
	return match_pieces(matcher, at + 1, slice_skip(rest, len));
}

static bool match_pieces(struct matcher *matcher, size_t at, struct slice rest)
{
	if (at == matcher->template.count)
		return slice_empty(rest);

	const struct piece *piece = &matcher->template.pieces[at];
	size_t most = 0;

	if (piece->kind == PIECE_LITERAL)
		return slice_starts_with_nocase(rest, piece->text) &&
		       match_pieces(matcher, at + 1, slice_skip(rest, piece->text.len));
	while (most < rest.len && value_allows(piece->kind, rest.ptr[most]))
		most++;
	if (piece->kind == PIECE_HMAC)
		return most >= matcher->mac_digits &&
		       match_value(matcher, at, rest, matcher->mac_digits);
	for (size_t i = 0; i < most; i++)
		if (match_value(matcher, at, rest, piece->kind == PIECE_REF ? i + 1 : most - i))
			return true;
	return false;
}

/* What the HMAC covers, with the values that were found. */
static struct slice fill_in(const struct matcher *matcher, const struct template *template,
			    struct arena *arena)
{
	struct slice text = SLICE_NONE;

	for (size_t i = 0; i < template->count; i++) {
		const struct piece *piece = &template->pieces[i];
		struct slice next =
			piece->kind == PIECE_LITERAL ? piece->text : matcher->values[piece->kind];

		text = arena_printf(arena, "%.*s%.*s", SLICE_ARG(text), SLICE_ARG(next));
	}
	return text;
}

static bool mac_fits(const struct directory_pattern *pattern, const struct matcher *matcher,
		     struct arena *arena)
{
	const EVP_MD *digest = pattern->algorithm == PATTERN_HMAC_SHA1 ? EVP_sha1() : EVP_sha256();
	struct slice given = arena_lower(arena, matcher->values[PIECE_HMAC]);
	char expected[HEX_LEN(EVP_MAX_MD_SIZE)];
	unsigned char mac[EVP_MAX_MD_SIZE];
	struct template covers;
	unsigned len = 0;

	if (!template_parse(pattern->covers, &covers))
		return false;
	struct slice covered = fill_in(matcher, &covers, arena);
	if (HMAC(digest, pattern->secret, pattern->secret_len, (const unsigned char *)covered.ptr,
		 covered.len, mac, &len) == NULL)
		abort();
	hex_encode(mac, len, expected);
	return given.len <= HEX_LEN(len) && CRYPTO_memcmp(given.ptr, expected, given.len) == 0;
}

static struct legacy_match match_one(const struct directory_pattern *pattern, struct slice local,
				     struct arena *arena)
{
	struct matcher matcher = { .mac_digits = pattern->mac_digits };
	struct legacy_match match = { LEGACY_NONE, SLICE_NONE, SLICE_NONE };
	const struct slice *values = matcher.values;

	if (!template_parse(pattern->template_, &matcher.template) ||
	    !match_pieces(&matcher, 0, local))
		return match;
	if (matcher.template.has[PIECE_REF])
		match.ref = values[PIECE_REF];
	if (matcher.template.has[PIECE_LOCAL]) {
		match.address = address_normalise(
			arena, arena_printf(arena, "%.*s@%.*s", SLICE_ARG(values[PIECE_LOCAL]),
					    SLICE_ARG(values[PIECE_DOMAIN])));
		if (slice_empty(match.address))
			return (struct legacy_match){ LEGACY_NONE, SLICE_NONE, SLICE_NONE };
	}
	if (pattern->algorithm == PATTERN_UNSIGNED)
		match.verdict = LEGACY_UNSIGNED;
	else
		match.verdict =
			mac_fits(pattern, &matcher, arena) ? LEGACY_VERIFIED : LEGACY_BAD_MAC;
	return match;
}

struct legacy_match legacy_pattern_match(const struct directory_domain *domain, struct slice local,
					 int64_t unix_ms, struct arena *arena)
{
	struct legacy_match match = { LEGACY_NONE, SLICE_NONE, SLICE_NONE };

	local = return_path_unwrap(local);
	if (local.len > LEGACY_TEXT_MAX)
		return match;
	for (size_t i = 0; i < domain->pattern_count && match.verdict == LEGACY_NONE; i++) {
		const struct directory_pattern *pattern = &domain->patterns[i];

		if (pattern->expires_at == TIME_NONE || unix_ms < pattern->expires_at)
			match = match_one(pattern, local, arena);
	}
	return match;
}

/* -- checking -- */

static bool is_printable(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] >= 127 || text.ptr[i] == '@' ||
		    text.ptr[i] == '"')
			return false;
	return true;
}

/* Two values that touch could be cut anywhere; without any word all mail would fit. */
static bool is_separated(const struct template *template)
{
	bool has_word = false;

	for (size_t i = 0; i < template->count; i++) {
		bool is_word = template->pieces[i].kind == PIECE_LITERAL;

		has_word = has_word || is_word;
		if (i > 0 && !is_word && template->pieces[i - 1].kind != PIECE_LITERAL)
			return false;
	}
	return has_word;
}

static struct slice mac_problem(const struct directory_pattern *pattern,
				const struct template *template)
{
	size_t most = pattern->algorithm == PATTERN_HMAC_SHA1 ? 40 : 64;
	struct template covers;

	if (!template->has[PIECE_HMAC])
		return SLICE("a signed pattern needs {hmac}");
	if (pattern->mac_digits < LEGACY_MAC_DIGITS_MIN || pattern->mac_digits > most)
		return SLICE("the HMAC has 8 to 64 hex digits, 40 with sha1");
	if (pattern->covers.len > LEGACY_TEXT_MAX || !template_parse(pattern->covers, &covers) ||
	    covers.has[PIECE_HMAC])
		return SLICE("what the HMAC covers is made of words, {local}, {domain}, {ref}");
	for (size_t kind = 0; kind < PIECE_HMAC; kind++)
		if (covers.has[kind] != template->has[kind])
			return SLICE(
				"the HMAC must cover all values of the template, and no other");
	return SLICE_NONE;
}

struct slice legacy_pattern_problem(const struct directory_pattern *pattern)
{
	struct template template;

	if (pattern->template_.len > LEGACY_TEXT_MAX || !is_printable(pattern->template_))
		return SLICE("a template is a local part in ASCII, without blanks and quotes");
	if (!template_parse(pattern->template_, &template))
		return SLICE("a template's values are {local}, {domain}, {ref}, {hmac}, once each");
	if (template.has[PIECE_LOCAL] != template.has[PIECE_DOMAIN])
		return SLICE("{local} and {domain} come together");
	if (!template.has[PIECE_LOCAL] && !template.has[PIECE_REF])
		return SLICE("a template needs {local} and {domain}, or {ref}");
	if (!is_separated(&template))
		return SLICE("a template's values need a word between them");
	if (pattern->algorithm != PATTERN_UNSIGNED)
		return mac_problem(pattern, &template);
	if (template.has[PIECE_HMAC])
		return SLICE("{hmac} needs a secret");
	if (pattern->expires_at == TIME_NONE)
		return SLICE("an unsigned pattern needs a date at which it ends");
	return SLICE_NONE;
}
