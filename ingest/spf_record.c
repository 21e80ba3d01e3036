/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/spf_record.h"

#include "ingest/spf_macro.h"

#define VERSION SLICE("v=spf1")

/* What may stand behind a mechanism's name. */
enum arguments {
	TAKES_NOTHING,
	TAKES_DOMAIN,    /* ":" domain-spec */
	MAY_TAKE_DOMAIN, /* [ ":" domain-spec ] */
	MAY_TAKE_BOTH,   /* [ ":" domain-spec ] [ dual-cidr-length ] */
	TAKES_NETWORK4,
	TAKES_NETWORK6,
};

static const struct mechanism {
	const char *name;
	enum spf_mechanism mechanism;
	enum arguments arguments;
} MECHANISMS[] = {
	{ "all", SPF_ALL, TAKES_NOTHING },   { "include", SPF_INCLUDE, TAKES_DOMAIN },
	{ "a", SPF_A, MAY_TAKE_BOTH },       { "mx", SPF_MX, MAY_TAKE_BOTH },
	{ "ptr", SPF_PTR, MAY_TAKE_DOMAIN }, { "ip4", SPF_IP4, TAKES_NETWORK4 },
	{ "ip6", SPF_IP6, TAKES_NETWORK6 },  { "exists", SPF_EXISTS, TAKES_DOMAIN },
};

bool spf_record_is(struct slice text)
{
	return slice_starts_with_nocase(text, VERSION) &&
	       (text.len == VERSION.len || text.ptr[VERSION.len] == ' ');
}

/* Takes mark and the digits behind it off the end of *text. false: digits that are no length.
 * Nothing is taken where nothing stands. */
static bool take_prefix(struct slice *text, struct slice mark, unsigned max, unsigned *ret_bits)
{
	size_t begin = text->len;

	while (begin > 0 && ascii_is_digit(text->ptr[begin - 1]))
		begin--;
	if (begin == text->len || !slice_ends_with(slice_head(*text, begin), mark))
		return true;
	if (!ip_prefix_parse(slice_skip(*text, begin), max, ret_bits))
		return false;
	*text = slice_head(*text, begin - mark.len);
	return true;
}

/* rest: what follows the name, ":" or "/" first. */
static bool parse_domain(struct slice rest, bool required, struct spf_directive *directive)
{
	if (slice_empty(rest))
		return !required;
	directive->domain_spec = slice_skip(rest, 1);
	return rest.ptr[0] == ':' && spf_domain_spec_valid(directive->domain_spec);
}

static bool parse_network(struct slice rest, bool v6, struct spf_directive *directive)
{
	return !slice_empty(rest) && rest.ptr[0] == ':' &&
	       ip_network_parse(slice_skip(rest, 1), &directive->network) &&
	       directive->network.base.v6 == v6;
}

static bool parse_arguments(enum arguments arguments, struct slice rest,
			    struct spf_directive *directive)
{
	switch (arguments) {
	case TAKES_NOTHING:
		return slice_empty(rest);
	case TAKES_DOMAIN:
	case MAY_TAKE_DOMAIN:
		return parse_domain(rest, arguments == TAKES_DOMAIN, directive);
	case MAY_TAKE_BOTH:
		return take_prefix(&rest, SLICE("//"), 128, &directive->bits6) &&
		       take_prefix(&rest, SLICE("/"), 32, &directive->bits4) &&
		       parse_domain(rest, false, directive);
	case TAKES_NETWORK4:
	case TAKES_NETWORK6:
		return parse_network(rest, arguments == TAKES_NETWORK6, directive);
	}
	return false;
}

/* Takes the qualifier off; "+" where there is none. */
static enum auth_result take_qualifier(struct slice *term)
{
	enum auth_result result;

	switch (term->ptr[0]) {
	case '+':
		result = AUTH_PASS;
		break;
	case '-':
		result = AUTH_FAIL;
		break;
	case '~':
		result = AUTH_SOFTFAIL;
		break;
	case '?':
		result = AUTH_NEUTRAL;
		break;
	default:
		return AUTH_PASS;
	}
	*term = slice_skip(*term, 1);
	return result;
}

static bool parse_directive(struct slice term, struct spf_directive *directive)
{
	size_t len = 0;

	*directive = (struct spf_directive){ .result = take_qualifier(&term),
					     .domain_spec = SLICE_NONE,
					     .bits4 = 32,
					     .bits6 = 128 };
	while (len < term.len && term.ptr[len] != ':' && term.ptr[len] != '/')
		len++;
	for (size_t i = 0; i < sizeof(MECHANISMS) / sizeof(MECHANISMS[0]); i++) {
		if (!slice_equal_nocase(slice_head(term, len), slice_from_cstr(MECHANISMS[i].name)))
			continue;
		directive->mechanism = MECHANISMS[i].mechanism;
		return parse_arguments(MECHANISMS[i].arguments, slice_skip(term, len), directive);
	}
	return false;
}

/* name "=", where name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ); -1: no modifier. */
static ptrdiff_t modifier_name_len(struct slice term)
{
	size_t len = 0;

	if (!ascii_is_alpha(term.ptr[0]))
		return -1;
	while (len < term.len && (ascii_is_alnum(term.ptr[len]) || term.ptr[len] == '-' ||
				  term.ptr[len] == '_' || term.ptr[len] == '.'))
		len++;
	return len < term.len && term.ptr[len] == '=' ? (ptrdiff_t)len : -1;
}

/* redirect and exp at most once each; what is unknown need only be a macro-string. */
static bool parse_modifier(struct slice name, struct slice value, struct spf_record *record,
			   bool *seen_exp)
{
	if (slice_equal_nocase(name, SLICE("redirect"))) {
		bool first = slice_empty(record->redirect);

		record->redirect = value;
		return first && spf_domain_spec_valid(value);
	}
	if (slice_equal_nocase(name, SLICE("exp"))) {
		bool first = !*seen_exp;

		*seen_exp = true;
		return first && spf_domain_spec_valid(value);
	}
	return spf_macro_string_valid(value);
}

bool spf_record_parse(struct slice text, struct arena *arena, struct spf_record *ret_record)
{
	struct slice rest = slice_skip(text, VERSION.len), term;
	struct spf_record record = { .redirect = SLICE_NONE };
	bool seen_exp = false;

	/* a term and its space are two bytes at least */
	record.directives = ARENA_ARRAY(arena, struct spf_directive, text.len / 2 + 1);
	while (slice_next_field(&rest, ' ', &term)) {
		if (slice_empty(term))
			continue;
		ptrdiff_t name = modifier_name_len(term);
		bool valid = name >= 0 ? parse_modifier(slice_head(term, (size_t)name),
							slice_skip(term, (size_t)name + 1), &record,
							&seen_exp)
				       : parse_directive(term, &record.directives[record.count++]);

		if (!valid)
			return false;
	}
	*ret_record = record;
	return true;
}
