/* SPDX-License-Identifier: Apache-2.0 */
#include "core/address.h"

#include <stdlib.h>
#include <string.h>

#include <idn2.h>

#include "core/limits.h"
#include "core/utf8.h"

bool address_split(struct slice text, struct address *ret_address)
{
	text = slice_trim(text);
	if (text.len >= 2 && text.ptr[0] == '<' && text.ptr[text.len - 1] == '>')
		text = slice_head(slice_skip(text, 1), text.len - 2);
	if (text.len > LIMIT_ADDRESS)
		return false;
	/* A domain never holds an @, a quoted local part may: the last one separates. */
	ptrdiff_t at = slice_rfind_byte(text, '@');

	if (at <= 0 || (size_t)at + 1 == text.len)
		return false;
	ret_address->local = slice_head(text, (size_t)at);
	ret_address->domain = slice_skip(text, (size_t)at + 1);
	return true;
}

static bool is_atext(char c)
{
	return ascii_is_alnum(c) || (unsigned char)c >= 0x80 ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* RFC 5321 Dot-string, but liberal: also leading, trailing and double dots, which some providers
 * handed out. */
static bool is_dot_string(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_atext(s.ptr[i]) && s.ptr[i] != '.')
			return false;
	return s.len > 0;
}

/* "user" and user are one mailbox (RFC 5321 4.1.2): the content of a quoted local part, or the
 * empty slice where the quotes do not match. */
static struct slice unquote(struct arena *arena, struct slice local)
{
	if (local.len < 2 || local.ptr[local.len - 1] != '"')
		return SLICE_NONE;
	char *out = arena_alloc(arena, local.len);
	size_t len = 0;

	for (size_t i = 1; i + 1 < local.len; i++) {
		if (local.ptr[i] == '"')
			return SLICE_NONE;
		if (local.ptr[i] == '\\' && ++i + 1 >= local.len)
			return SLICE_NONE;
		out[len++] = local.ptr[i];
	}
	return slice_from(out, len);
}

static bool has_control(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
			return true;
	return false;
}

static struct slice local_normalise(struct arena *arena, struct slice local)
{
	struct slice content = local;

	if (has_control(local))
		return SLICE_NONE;
	if (local.ptr[0] == '"') {
		content = unquote(arena, local);
		if (slice_empty(content))
			return SLICE_NONE;
		if (!is_dot_string(content))
			return arena_lower(arena, local); /* the quotes are needed */
	}
	return slice_find_byte(content, ' ') < 0 ? arena_lower(arena, content) : SLICE_NONE;
}

static bool is_ascii_domain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_alnum(s.ptr[i]) && s.ptr[i] != '-' && s.ptr[i] != '.' &&
		    s.ptr[i] != '_')
			return false;
	return s.len > 0 && s.ptr[0] != '.' && s.ptr[s.len - 1] != '.' &&
	       slice_find(s, SLICE("..")) < 0;
}

/* RFC 5321 4.1.3: printable ASCII between the brackets. */
static bool is_literal(struct slice s)
{
	for (size_t i = 1; i + 1 < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] == 0x7f || s.ptr[i] == '[' || s.ptr[i] == ']')
			return false;
	return s.len > 2 && s.ptr[s.len - 1] == ']';
}

struct slice domain_normalise(struct arena *arena, struct slice domain)
{
	if (domain.len > 0 && domain.ptr[domain.len - 1] == '.')
		domain.len--;
	if (domain.len == 0 || domain.len > LIMIT_DOMAIN * 4)
		return SLICE_NONE;
	if (domain.ptr[0] == '[') /* a literal is compared as it stands */
		return is_literal(domain) ? arena_lower(arena, domain) : SLICE_NONE;
	if (is_ascii_domain(domain))
		return domain.len > LIMIT_DOMAIN ? SLICE_NONE : arena_lower(arena, domain);
	if (!utf8_valid(domain))
		return SLICE_NONE;

	char *ascii = NULL;
	/* IDNA 2008 with the mapping of UTS 46, non-transitional, so that ß and ς stay themselves.
	 */
	int result = idn2_to_ascii_8z(arena_cstr(arena, domain), &ascii,
				      IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
	struct slice normal = SLICE_NONE;

	if (result == IDN2_OK && is_ascii_domain(slice_from_cstr(ascii)))
		normal = arena_lower(arena, slice_from_cstr(ascii));
	idn2_free(ascii);
	return normal;
}

struct slice address_normalise(struct arena *arena, struct slice text)
{
	struct address address;

	if (!address_split(text, &address))
		return SLICE_NONE;
	struct slice local = local_normalise(arena, address.local);
	struct slice domain = domain_normalise(arena, address.domain);

	if (slice_empty(local) || slice_empty(domain))
		return SLICE_NONE;
	return arena_printf(arena, "%.*s@%.*s", SLICE_ARG(local), SLICE_ARG(domain));
}
