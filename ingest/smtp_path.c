/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/smtp_path.h"

#include <string.h>

#include "core/limits.h"
#include "core/utf8.h"

static const struct smtp_reply bad_mail = SMTP_REPLY(501, "5.5.4", "Syntax: MAIL FROM:<address>");
static const struct smtp_reply bad_rcpt = SMTP_REPLY(501, "5.5.4", "Syntax: RCPT TO:<address>");
static const struct smtp_reply bad_sender = SMTP_REPLY(501, "5.1.7", "Bad sender address");
static const struct smtp_reply bad_recipient = SMTP_REPLY(501, "5.1.3", "Bad recipient address");
static const struct smtp_reply no_route = SMTP_REPLY(550, "5.7.1", "Routed addresses are refused");
static const struct smtp_reply no_literal =
	SMTP_REPLY(550, "5.7.1", "Address literals are refused");
static const struct smtp_reply needs_utf8 =
	SMTP_REPLY(553, "5.6.7", "Non-ASCII addresses need SMTPUTF8");
static const struct smtp_reply bad_parameter = SMTP_REPLY(501, "5.5.4", "Bad parameter");
static const struct smtp_reply unknown_parameter = SMTP_REPLY(555, "5.5.4", "Unknown parameter");
static const struct smtp_reply too_big = SMTP_REPLY(552, "5.3.4", "Message size exceeds the limit");

/* -- paths -- */

struct path {
	struct slice text;  /* between < and > */
	struct slice local; /* quotes included */
	struct slice domain;
	bool has_domain; /* there is an @, maybe with nothing behind it */
	bool route;      /* begins with a source route */
};

/* Length of the quoted string that `s` begins with, quotes included; 0 when it does not end. */
static size_t quoted_length(struct slice s)
{
	for (size_t i = 1; i < s.len; i++) {
		if (s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == '"')
			return i + 1;
	}
	return 0;
}

static bool is_local_char(char c)
{
	return (unsigned char)c >= 0x80 || (c > ' ' && strchr("()<>[]\\,;:\"@", c) == NULL);
}

static bool is_domain_char(char c)
{
	return (unsigned char)c >= 0x80 || ascii_is_alnum(c) || c == '-' || c == '.' || c == '_';
}

static size_t run_length(struct slice s, bool (*belongs)(char c))
{
	size_t len = 0;

	while (len < s.len && belongs(s.ptr[len]))
		len++;
	return len;
}

/* Takes local part and domain off *rest. Either may be missing here; the callers judge. */
static bool read_mailbox(struct slice *rest, struct path *path)
{
	bool quoted = rest->len > 0 && rest->ptr[0] == '"';
	size_t len = quoted ? quoted_length(*rest) : run_length(*rest, is_local_char);

	if (quoted && len == 0)
		return false;
	path->local = slice_head(*rest, len);
	*rest = slice_skip(*rest, len);
	path->has_domain = rest->len > 0 && rest->ptr[0] == '@';
	if (!path->has_domain)
		return true;
	*rest = slice_skip(*rest, 1);
	if (rest->len > 0 && rest->ptr[0] == '[') {
		ptrdiff_t close = slice_find_byte(*rest, ']');

		len = close < 0 ? 0 : (size_t)close + 1;
	} else {
		len = run_length(*rest, is_domain_char);
	}
	path->domain = slice_head(*rest, len);
	*rest = slice_skip(*rest, len);
	return true;
}

/* Takes "<…>" off *rest. */
static bool read_path(struct slice *rest, struct path *ret_path)
{
	struct path path = { .local = SLICE_NONE, .domain = SLICE_NONE };
	const char *start;

	if (rest->len == 0 || rest->ptr[0] != '<')
		return false;
	*rest = slice_skip(*rest, 1);
	start = rest->ptr;
	if (rest->len > 0 && rest->ptr[0] == '@') {
		ptrdiff_t colon = slice_find_byte(*rest, ':');

		if (colon < 0)
			return false;
		path.route = true;
		*rest = slice_skip(*rest, (size_t)colon + 1);
	}
	if (!read_mailbox(rest, &path) || rest->len == 0 || rest->ptr[0] != '>')
		return false;
	path.text = slice_from(start, (size_t)(rest->ptr - start));
	*rest = slice_skip(*rest, 1);
	*ret_path = path;
	return path.text.len <= LIMIT_ADDRESS && (rest->len == 0 || ascii_is_space(rest->ptr[0]));
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] >= 0x80)
			return false;
	return true;
}

static const struct smtp_reply *check_charset(struct slice address, bool smtputf8,
					      const struct smtp_reply *malformed)
{
	if (is_ascii(address))
		return NULL;
	if (!smtputf8)
		return &needs_utf8;
	return utf8_valid(address) ? NULL : malformed;
}

/* Forms that some mailer would take for a route: a%b@us, b!a@us, "a@b"@us. */
static bool local_is_routed(struct slice local)
{
	return slice_find_byte(local, '%') >= 0 || slice_find_byte(local, '!') >= 0 ||
	       slice_find_byte(local, '@') >= 0;
}

static const struct smtp_reply *check_recipient(const struct path *path)
{
	if (path->route || local_is_routed(path->local))
		return &no_route;
	if (slice_empty(path->local))
		return &bad_recipient;
	if (!path->has_domain)
		return slice_equal_nocase(path->local, SLICE("postmaster")) ? NULL : &bad_recipient;
	if (slice_empty(path->domain))
		return &bad_recipient;
	return path->domain.ptr[0] == '[' ? &no_literal : NULL;
}

static bool sender_is_formed(const struct path *path)
{
	if (slice_empty(path->text))
		return true;
	/* Some mailers send their DSNs from <MAILER-DAEMON>, without domain. */
	return !path->route && !slice_empty(path->local) &&
	       (!path->has_domain || !slice_empty(path->domain));
}

/* -- parameters -- */

enum parameter { SIZE, BODY, SMTPUTF8, AUTH, RET, ENVID, NOTIFY, ORCPT, PARAMETER_COUNT };

static const struct {
	struct slice name;
	bool of_mail;
	bool has_value;
} parameters[PARAMETER_COUNT] = {
	[SIZE] = { SLICE_LITERAL("SIZE"), true, true },
	[BODY] = { SLICE_LITERAL("BODY"), true, true },
	[SMTPUTF8] = { SLICE_LITERAL("SMTPUTF8"), true, false },
	[AUTH] = { SLICE_LITERAL("AUTH"), true, true },
	[RET] = { SLICE_LITERAL("RET"), true, true },
	[ENVID] = { SLICE_LITERAL("ENVID"), true, true },
	[NOTIFY] = { SLICE_LITERAL("NOTIFY"), false, true },
	[ORCPT] = { SLICE_LITERAL("ORCPT"), false, true },
};

/* Digits that do not fit are a size, and too big a one. */
static const struct smtp_reply *read_size(struct slice value, uint64_t *ret_size)
{
	for (size_t i = 0; i < value.len; i++)
		if (!ascii_is_digit(value.ptr[i]))
			return &bad_parameter;
	return slice_to_u64(value, ret_size) ? NULL : &too_big;
}

static bool notify_is_valid(struct slice value)
{
	struct slice word;

	if (slice_equal_nocase(value, SLICE("NEVER")))
		return true;
	while (slice_next_field(&value, ',', &word))
		if (!slice_equal_nocase(word, SLICE("SUCCESS")) &&
		    !slice_equal_nocase(word, SLICE("FAILURE")) &&
		    !slice_equal_nocase(word, SLICE("DELAY")))
			return false;
	return true;
}

static const struct smtp_reply *read_value(enum parameter parameter, struct slice value,
					   struct smtp_mail *mail)
{
	bool valid = true;

	switch (parameter) {
	case SIZE:
		return read_size(value, &mail->size);
	case SMTPUTF8:
		mail->smtputf8 = true;
		break;
	case BODY:
		valid = slice_equal_nocase(value, SLICE("7BIT")) ||
			slice_equal_nocase(value, SLICE("8BITMIME"));
		break;
	case RET:
		valid = slice_equal_nocase(value, SLICE("FULL")) ||
			slice_equal_nocase(value, SLICE("HDRS"));
		break;
	case NOTIFY:
		valid = notify_is_valid(value);
		break;
	case AUTH:
	case ENVID:
	case ORCPT:
	case PARAMETER_COUNT:
		break;
	}
	return valid ? NULL : &bad_parameter;
}

static const struct smtp_reply *read_parameter(struct slice text, bool of_mail, unsigned *seen,
					       struct smtp_mail *mail)
{
	ptrdiff_t equals = slice_find_byte(text, '=');
	struct slice name = equals < 0 ? text : slice_head(text, (size_t)equals);
	struct slice value = equals < 0 ? SLICE_NONE : slice_skip(text, (size_t)equals + 1);

	for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
		if (parameters[i].of_mail != of_mail ||
		    !slice_equal_nocase(name, parameters[i].name))
			continue;
		if ((*seen & 1U << i) != 0 || parameters[i].has_value != (value.len > 0) ||
		    (equals >= 0 && !parameters[i].has_value))
			return &bad_parameter;
		*seen |= 1U << i;
		return read_value((enum parameter)i, value, mail);
	}
	return &unknown_parameter;
}

static const struct smtp_reply *read_parameters(struct slice rest, bool of_mail,
						struct smtp_mail *mail)
{
	unsigned seen = 0;

	for (rest = slice_trim(rest); rest.len > 0; rest = slice_trim(rest)) {
		size_t len = 0;

		while (len < rest.len && !ascii_is_space(rest.ptr[len]))
			len++;
		const struct smtp_reply *refusal =
			read_parameter(slice_head(rest, len), of_mail, &seen, mail);

		if (refusal != NULL)
			return refusal;
		rest = slice_skip(rest, len);
	}
	return NULL;
}

/* Takes "FROM:" or "TO:" and blanks behind it, which many senders put there, off *rest. */
static bool take_keyword(struct slice *rest, struct slice keyword)
{
	if (!slice_starts_with_nocase(*rest, keyword))
		return false;
	*rest = slice_trim(slice_skip(*rest, keyword.len));
	return true;
}

const struct smtp_reply *smtp_mail_parse(struct slice arguments, struct smtp_mail *ret_mail)
{
	struct smtp_mail mail = { 0 };
	struct path path;
	const struct smtp_reply *refusal;

	if (!take_keyword(&arguments, SLICE("FROM:")))
		return &bad_mail;
	if (!read_path(&arguments, &path) || !sender_is_formed(&path))
		return &bad_sender;
	refusal = read_parameters(arguments, true, &mail);
	if (refusal == NULL)
		refusal = check_charset(path.text, mail.smtputf8, &bad_sender);
	if (refusal != NULL)
		return refusal;
	mail.address = path.text;
	*ret_mail = mail;
	return NULL;
}

const struct smtp_reply *smtp_rcpt_parse(struct slice arguments, bool smtputf8,
					 struct slice *ret_address)
{
	struct smtp_mail ignored;
	struct path path;
	const struct smtp_reply *refusal;

	if (!take_keyword(&arguments, SLICE("TO:")))
		return &bad_rcpt;
	if (!read_path(&arguments, &path))
		return &bad_recipient;
	refusal = check_recipient(&path);
	if (refusal == NULL)
		refusal = check_charset(path.text, smtputf8, &bad_recipient);
	if (refusal == NULL)
		refusal = read_parameters(arguments, false, &ignored);
	if (refusal != NULL)
		return refusal;
	*ret_address = path.text;
	return NULL;
}
