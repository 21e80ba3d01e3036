/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/identity.h"

#include "core/address.h"
#include "core/limits.h"
#include "core/token.h"

/* Headers that carry a number of the sender's; the scheme is the name in lower case. Message-ID and
 * Feedback-ID are members of the report themselves. */
static const struct {
	const char *name;
	struct slice scheme;
} HEADERS[] = {
	{ "X-KumoRef", SLICE_LITERAL("x-kumoref") },
	{ "X-Listmonk-Campaign", SLICE_LITERAL("x-listmonk-campaign") },
	{ "X-Listmonk-Subscriber", SLICE_LITERAL("x-listmonk-subscriber") },
	{ "X-Postal-MsgID", SLICE_LITERAL("x-postal-msgid") },
	{ "X-MSFBL", SLICE_LITERAL("x-msfbl") },
	{ "X-SG-EID", SLICE_LITERAL("x-sg-eid") },
	{ "X-Mailgun-Sid", SLICE_LITERAL("x-mailgun-sid") },
	{ "X-Mandrill-User", SLICE_LITERAL("x-mandrill-user") },
	{ "X-Mailer-LID", SLICE_LITERAL("x-mailer-lid") }, /* Interspire */
	{ "X-Mailer-SID", SLICE_LITERAL("x-mailer-sid") },
	{ "X-Mailer-RecptId", SLICE_LITERAL("x-mailer-recptid") },
};
#define HEADER_COUNT (sizeof(HEADERS) / sizeof(HEADERS[0]))

/* Where the return path stands that the report was sent to. */
static const char *const OWN_PATHS[] = { "To", "Delivered-To", "X-Original-To" };

struct collector {
	struct arena *arena;
	struct report_original *original;
};

static void add(struct collector *collector, struct slice scheme, struct slice value)
{
	struct report_original *original = collector->original;

	value = slice_head(slice_trim(value), LIMIT_REPORT_TEXT);
	if (slice_empty(value) || original->identifier_count == LIMIT_IDENTIFIERS)
		return;
	for (size_t i = 0; i < original->identifier_count; i++)
		if (slice_equal(original->identifiers[i].scheme, scheme) &&
		    slice_equal(original->identifiers[i].value, value))
			return;
	if (original->identifiers == NULL)
		original->identifiers =
			ARENA_ARRAY(collector->arena, struct report_identifier, LIMIT_IDENTIFIERS);
	original->identifiers[original->identifier_count++] =
		(struct report_identifier){ scheme, value };
}

/* -- return paths -- */

static size_t run_of(struct slice text, bool (*allowed)(char))
{
	size_t len = 0;

	while (len < text.len && allowed(text.ptr[len]))
		len++;
	return len;
}

static bool is_hex(char c)
{
	return ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f');
}

static bool is_hex_or_dot(char c)
{
	return is_hex(c) || c == '.';
}

/* "user=domain" as user@domain; empty where it is none. */
static struct slice verp_address(struct collector *collector, struct slice text)
{
	ptrdiff_t equals = slice_rfind_byte(text, '=');

	if (equals <= 0 || slice_find_byte(slice_skip(text, (size_t)equals), '.') < 0)
		return SLICE_NONE;
	struct slice address = arena_printf(collector->arena, "%.*s@%.*s",
					    SLICE_ARG(slice_head(text, (size_t)equals)),
					    SLICE_ARG(slice_skip(text, (size_t)equals + 1)));

	return address_normalise(collector->arena, address);
}

/* "bounces+12345-ab12-user=domain": the user's number and a digest. */
static struct slice take_sendgrid(struct collector *collector, struct slice text)
{
	size_t number = run_of(text, ascii_is_digit);
	struct slice rest = slice_skip(text, number + 1);
	size_t digest = run_of(rest, is_hex);

	if (number == 0 || number >= text.len || text.ptr[number] != '-' || digest < 4 ||
	    digest >= rest.len || rest.ptr[digest] != '-')
		return text;
	add(collector, SLICE("sendgrid"), slice_head(text, number + 1 + digest));
	return slice_skip(rest, digest + 1);
}

/* "bounce+ab12cd.34ef56-user=domain" */
static struct slice take_mailgun(struct collector *collector, struct slice text)
{
	size_t number = run_of(text, is_hex_or_dot);

	if (number < 8 || number >= text.len || text.ptr[number] != '-' ||
	    slice_find_byte(slice_head(text, number), '.') < 0)
		return text;
	add(collector, SLICE("mailgun"), slice_head(text, number));
	return slice_skip(text, number + 1);
}

/* ezmlm: "list-return-123-user=domain" */
static struct slice behind_ezmlm(struct slice local)
{
	static const struct slice word = SLICE_LITERAL("-return-");
	ptrdiff_t at = slice_find_nocase(local, word);

	if (at < 0)
		return local;
	struct slice rest = slice_skip(local, (size_t)at + word.len);
	size_t number = run_of(rest, ascii_is_digit);

	return number > 0 && number < rest.len && rest.ptr[number] == '-'
		       ? slice_skip(rest, number + 1)
		       : local;
}

static void read_verp(struct collector *collector, struct slice local)
{
	ptrdiff_t plus = slice_find_byte(local, '+');
	struct slice rest = plus >= 0 ? slice_skip(local, (size_t)plus + 1) : behind_ezmlm(local);

	if (slice_starts_with_nocase(local, SLICE("bounces+")))
		rest = take_sendgrid(collector, rest);
	else if (slice_starts_with_nocase(local, SLICE("bounce+")))
		rest = take_mailgun(collector, rest);
	add(collector, SLICE("verp"), verp_address(collector, rest));
}

/* "bounce-md_12345.5f6a7b8c.v1-<32 hex digits>@…": the digits are the message's id. */
static void read_mandrill(struct collector *collector, struct slice local)
{
	ptrdiff_t at = slice_find_nocase(local, SLICE(".v1-"));

	if (slice_starts_with_nocase(local, SLICE("bounce-md_")) && at >= 0)
		add(collector, SLICE("mandrill"), slice_skip(local, (size_t)at + 4));
}

/* "0100018f…-uuid-000000": 16 hex digits, a UUID, a number. */
static bool is_ses(struct slice local)
{
	static const size_t groups[] = { 16, 8, 4, 4, 4, 12, 6 };

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (run_of(local, is_hex) != groups[i])
			return false;
		local = slice_skip(local, groups[i]);
		if (slice_empty(local))
			return i == 6;
		if (local.ptr[0] != '-')
			return false;
		local = slice_skip(local, 1);
	}
	return false;
}

static void read_path(struct collector *collector, struct slice text)
{
	struct address parts;

	if (text.len > LIMIT_ADDRESS || !address_split(slice_trim(text), &parts))
		return;
	struct slice local = return_path_unwrap(parts.local);

	if (is_ses(local))
		add(collector, SLICE("ses"), local);
	else if (slice_starts_with_nocase(parts.domain, SLICE("psrp.")))
		add(collector, SLICE("postal"), local);
	read_mandrill(collector, local);
	read_verp(collector, local);
}

void identity_describe(const struct header_block *returned, const struct message *message,
		       struct report *report)
{
	struct collector collector = { message->arena, &report->original };

	for (size_t i = 0; i < HEADER_COUNT; i++)
		add(&collector, HEADERS[i].scheme, header_value(returned, HEADERS[i].name));
	read_path(&collector, report->original.return_path);
	for (size_t i = 0; i < sizeof(OWN_PATHS) / sizeof(OWN_PATHS[0]); i++)
		read_path(&collector, header_value(&message->headers, OWN_PATHS[i]));
}
