/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/text.h"

#include "core/address.h"

const char *text_has(struct slice text, const char *const words[])
{
	for (size_t i = 0; words && words[i]; i++) {
		if (slice_find_nocase(text, slice_from_cstr(words[i])) >= 0)
			return words[i];
	}
	return NULL;
}

/* Whether the line that `at` lies in is a quotation in somebody's reply. */
static bool is_quoted(struct slice text, size_t at)
{
	while (at > 0 && text.ptr[at - 1] != '\n')
		at--;
	while (at < text.len && (text.ptr[at] == ' ' || text.ptr[at] == '\t'))
		at++;
	return at < text.len && text.ptr[at] == '>';
}

const char *text_has_banner(const struct message *message, const char *const words[])
{
	struct slice text = slice_head(message->text, TEXT_BANNER_BYTES);

	for (size_t i = 0; words[i]; i++) {
		if (message->facts && !trigrams_may_have(&message->facts->banner, words[i]))
			continue;
		ptrdiff_t at = slice_find_nocase(text, slice_from_cstr(words[i]));
		if (at >= 0 && !is_quoted(text, (size_t)at))
			return words[i];
	}
	return NULL;
}

const char *text_header_has(const struct message *message, const char *name,
			    const char *const words[])
{
	return text_has(header_value(&message->headers, name), words);
}

/* Local parts that only mail systems send from. */
static bool is_daemon_name(struct slice local)
{
	static const char *const names[] = {
		"mailer-daemon", "mailer_daemon", "mailerdaemon", "maildaemon",    "mail-daemon",
		"mdaemon",       "postmaster",    "post_master",  "mail.delivery", "mail_delivery",
		"mail-delivery", "mailservice",   "mail_service", "_mail_service", NULL,
	};

	for (size_t i = 0; names[i]; i++) {
		struct slice name = slice_from_cstr(names[i]);
		bool ending = names[i][0] == '_';
		if (ending ? slice_ends_with_nocase(local, name) : slice_equal_nocase(local, name))
			return true;
	}
	return slice_starts_with_nocase(local, SLICE("mail.delivery")) ||
	       slice_starts_with_nocase(local, SLICE("mailer-daemon"));
}

bool text_named_daemon(const struct message *message)
{
	static const char *const speakers[] = {
		"mailer-daemon",        "mailer daemon",      "mail deliver", "delivery sub",
		"system administrator", "mail administrator", "<>",           NULL,
	};
	const struct header *from = header_find(&message->headers, "From", 0);
	struct slice address;

	if (!from)
		return false;
	if (text_find_address(from->raw, &address) &&
	    is_daemon_name(slice_head(address, (size_t)slice_rfind_byte(address, '@'))))
		return true;
	/* raw, because decoding may drop an address that is empty */
	return text_has(from->raw, speakers) || text_has(from->value, speakers);
}

static bool daemon_speaks(const struct message *message)
{
	const struct header *path = header_find(&message->headers, "Return-Path", 0);

	return (path && (slice_equal(slice_trim(path->raw), SLICE("<>")) ||
			 slice_find_nocase(path->raw, SLICE("<mailer-daemon")) >= 0)) ||
	       text_named_daemon(message);
}

bool text_from_daemon(const struct message *message)
{
	return message->facts ? message->facts->from_daemon : daemon_speaks(message);
}

void text_prepare(struct message *message)
{
	struct message_facts *facts = ARENA_NEW(message->arena, struct message_facts);

	facts->from_daemon = daemon_speaks(message);
	trigrams_add(&facts->banner, slice_head(message->text, TEXT_BANNER_BYTES));
	message->facts = facts;
}

/* -- lines and markers -- */

/* Markers begin with a letter. */
static struct slice skip_ornaments(struct slice line)
{
	while (!slice_empty(line) && !ascii_is_alnum(line.ptr[0]) &&
	       (ascii_is_space(line.ptr[0]) || slice_find_byte(SLICE("-=*_#>|"), line.ptr[0]) >= 0))
		line = slice_skip(line, 1);
	return line;
}

bool text_line_starts(struct slice line, const char *const markers[], struct slice *ret_rest)
{
	struct slice words = skip_ornaments(line);

	if (slice_empty(words))
		return false;
	const char first = ascii_lower(words.ptr[0]);
	for (size_t i = 0; markers && markers[i]; i++) {
		if (ascii_lower(markers[i][0]) != first)
			continue; /* most lines and markers part here */
		struct slice marker = slice_from_cstr(markers[i]);
		if (slice_starts_with_nocase(words, marker)) {
			*ret_rest = slice_skip(words, marker.len);
			return true;
		}
	}
	return false;
}

struct slice text_split(struct slice text, const char *const markers[], struct slice *ret_returned)
{
	struct slice rest = text, line, after;

	while (slice_next_line(&rest, &line)) {
		if (text_line_starts(line, markers, &after)) {
			*ret_returned = rest;
			return slice_head(text, (size_t)(line.ptr - text.ptr));
		}
	}
	*ret_returned = SLICE_NONE;
	return text;
}

struct slice text_after(struct slice text, const char *word)
{
	struct slice needle = slice_from_cstr(word);
	ptrdiff_t at = slice_find_nocase(text, needle);

	return at < 0 ? SLICE_NONE : slice_skip(text, (size_t)at + needle.len);
}

struct slice text_row(struct slice text, const char *label)
{
	struct slice rest = text, line, name = slice_from_cstr(label);

	while (slice_next_line(&rest, &line)) {
		line = slice_trim(line);
		if (slice_starts_with_nocase(line, name))
			return slice_trim(slice_skip(line, name.len));
	}
	return SLICE_NONE;
}

/* -- addresses -- */

static bool is_local_byte(char c)
{
	return ascii_is_alnum(c) || (unsigned char)c >= 0x80 ||
	       slice_find_byte(SLICE("!#$%&'*+-/=?^_`{|}~."), c) >= 0;
}

static bool is_domain_byte(char c)
{
	return ascii_is_alnum(c) || (unsigned char)c >= 0x80 || c == '-' || c == '.' || c == '_';
}

/* The first byte of a character of three or more bytes: of a script that is written without spaces,
 * so that an address in such text has no visible border. */
static bool is_wide_lead(char c)
{
	return (unsigned char)c >= 0xe0;
}

/* Where the local part that ends before `at` begins. */
static size_t local_start(struct slice text, size_t at)
{
	if (at > 0 && text.ptr[at - 1] == '"') {
		size_t quote = at - 1;
		while (quote > 0 && text.ptr[quote - 1] != '"' && text.ptr[quote - 1] != '\n')
			quote--;
		return quote > 0 && text.ptr[quote - 1] == '"' ? quote - 1 : at;
	}
	size_t start = at;
	while (start > 0 && is_local_byte(text.ptr[start - 1]))
		start--;
	/* ASCII behind wide characters is where the address begins */
	for (size_t i = at; i > start; i--) {
		if ((unsigned char)text.ptr[i - 1] >= 0x80) {
			bool wide = false;
			for (size_t k = i; k > start && (unsigned char)text.ptr[k - 1] >= 0x80; k--)
				wide = wide || is_wide_lead(text.ptr[k - 1]);
			if (wide && i < at)
				start = i;
			break;
		}
	}
	while (start < at && (text.ptr[start] == '\'' || text.ptr[start] == '.'))
		start++;
	return start;
}

/* Of what stands in the brackets of "[IPv6:2001:db8::1]". */
static bool is_literal_byte(char c)
{
	return ascii_is_alnum(c) || c == '.' || c == ':' || c == '-';
}

static size_t domain_end(struct slice text, size_t from)
{
	size_t end = from;

	if (end < text.len && text.ptr[end] == '[') {
		for (end++; end < text.len && is_literal_byte(text.ptr[end]);)
			end++;
		return end < text.len && text.ptr[end] == ']' ? end + 1 : from;
	}
	bool ascii_label = false;
	while (end < text.len && is_domain_byte(text.ptr[end])) {
		if (text.ptr[end] == '.')
			ascii_label = false;
		else if (ascii_is_alnum(text.ptr[end]))
			ascii_label = true;
		else if (ascii_label && is_wide_lead(text.ptr[end]))
			break;
		end++;
	}
	while (end > from &&
	       (text.ptr[end - 1] == '.' || text.ptr[end - 1] == '-' || text.ptr[end - 1] == '_'))
		end--;
	return end;
}

bool text_find_address(struct slice text, struct slice *ret_address)
{
	size_t from = 0;

	while (from < text.len) {
		ptrdiff_t found = slice_find_byte(slice_skip(text, from), '@');
		if (found < 0)
			return false;
		size_t at = from + (size_t)found;
		/* never look back over the last @: that keeps the walk linear */
		size_t start =
			from + local_start(slice_from(text.ptr + from, at - from), at - from);
		size_t end = domain_end(text, at + 1);
		if (start < at && end > at + 1) {
			*ret_address = slice_from(text.ptr + start, end - start);
			return true;
		}
		from = at + 1;
	}
	return false;
}

bool text_whole_address(struct slice text, struct slice *ret_address)
{
	struct slice s = slice_trim(text);
	ptrdiff_t type = slice_find_byte(s, ';');

	if (type > 0 && type < 16 && slice_find_byte(slice_head(s, (size_t)type), '@') < 0)
		s = slice_trim(slice_skip(s, (size_t)type + 1));
	for (int peeled = 0; peeled < 3 && s.len > 2; peeled++) {
		char first = s.ptr[0], last = s.ptr[s.len - 1];
		if ((first == '<' && last == '>') || (first == '\'' && last == '\'') ||
		    (first == '"' && last == '"') || (first == '(' && last == ')'))
			s = slice_trim(slice_from(s.ptr + 1, s.len - 2));
	}
	struct address parts;
	if (!address_split(s, &parts))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		bool quoted = parts.local.len > 0 && parts.local.ptr[0] == '"';
		if (s.ptr[i] == '\n' || s.ptr[i] == '<' || s.ptr[i] == '>' ||
		    (!quoted && ascii_is_space(s.ptr[i])))
			return false;
	}
	*ret_address = s;
	return true;
}

struct slice text_complete(const struct message *message, struct slice name)
{
	struct slice from;

	if (slice_find_byte(name, '@') >= 0 ||
	    !text_find_address(header_value(&message->headers, "From"), &from))
		return name;
	struct slice domain = slice_skip(from, (size_t)slice_rfind_byte(from, '@'));
	return arena_printf(message->arena, "%.*s%.*s", SLICE_ARG(name), SLICE_ARG(domain));
}

/* -- hosts -- */

static bool is_ip_byte(char c)
{
	return ascii_is_digit(c) || c == '.' || c == ':' || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

/* A host name with a dot or an IP address, at the beginning of text. */
static struct slice host_at(struct slice text)
{
	size_t len = 0;

	while (len < text.len && (ascii_is_alnum(text.ptr[len]) || text.ptr[len] == '.' ||
				  text.ptr[len] == '-' || text.ptr[len] == '_'))
		len++;
	while (len > 0 && text.ptr[len - 1] == '.')
		len--;
	struct slice host = slice_head(text, len);
	return slice_find_byte(host, '.') > 0 ? host : SLICE_NONE;
}

/* The host that stands right before the [ of an IP address: "mx.example[192.0.2.1]". */
static struct slice host_before(struct slice text, size_t bracket)
{
	size_t end = bracket;

	if (end > 0 && text.ptr[end - 1] == ' ')
		end--;
	if (end > 0 && (text.ptr[end - 1] == '.' || text.ptr[end - 1] == ':'))
		end--;
	size_t start = end;
	while (start > 0 && (ascii_is_alnum(text.ptr[start - 1]) || text.ptr[start - 1] == '.' ||
			     text.ptr[start - 1] == '-' || text.ptr[start - 1] == '_'))
		start--;
	return host_at(slice_from(text.ptr + start, end - start));
}

static bool is_ip_literal(struct slice text)
{
	size_t len = 0;

	if (slice_starts_with_nocase(text, SLICE("IPv6:")))
		text = slice_skip(text, 5);
	while (len < text.len && is_ip_byte(text.ptr[len]))
		len++;
	return len >= 4 && len < text.len && (text.ptr[len] == ']' || text.ptr[len] == ')') &&
	       (slice_find_byte(slice_head(text, len), '.') >= 0 ||
		slice_find_byte(slice_head(text, len), ':') >= 0);
}

struct slice text_find_host(struct slice text)
{
	static const char *const announced[] = { "talking to ",   "host ", "host: ",
						 "smtp server <", "dns; ", "connected to ",
						 "mx ",           NULL };

	/* a name in front of its IP address is sure, so it comes first */
	for (size_t from = 0; from < text.len;) {
		ptrdiff_t found = slice_find_byte(slice_skip(text, from), '[');
		if (found < 0)
			break;
		size_t bracket = from + (size_t)found;
		if (is_ip_literal(slice_skip(text, bracket + 1))) {
			struct slice host = host_before(text, bracket);
			if (!slice_empty(host))
				return host;
		}
		from = bracket + 1;
	}
	for (size_t i = 0; announced[i]; i++) {
		struct slice host = host_at(text_after(text, announced[i]));
		if (!slice_empty(host))
			return host;
	}
	/* qmail: "192.0.2.1 does not like recipient." */
	static const char *const spoke[] = { " does not like recipient", " failed after I sent",
					     " failed on DATA", " gave this error", NULL };
	const char *words = text_has(text, spoke);
	if (words) {
		ptrdiff_t at = slice_find_nocase(text, slice_from_cstr(words));
		return host_before(text, (size_t)at);
	}
	return SLICE_NONE;
}
