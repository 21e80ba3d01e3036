/* SPDX-License-Identifier: Apache-2.0 */
/* The commands, one handler each: it says a reply, or opens a question that the shell answers. */
#include "ingest/smtp_machine.h"

#include <inttypes.h>
#include <string.h>

#include "ingest/smtp_command.h"
#include "ingest/smtp_path.h"

static const struct smtp_reply bad_syntax = SMTP_REPLY(500, "5.5.2", "Syntax error");
static const struct smtp_reply unknown = SMTP_REPLY(500, "5.5.1", "Unknown command");
static const struct smtp_reply unavailable = SMTP_REPLY(502, "5.5.1", "Command not implemented");
static const struct smtp_reply no_arguments = SMTP_REPLY(501, "5.5.4", "No arguments allowed");
static const struct smtp_reply bad_hello = SMTP_REPLY(501, "5.5.4", "Syntax: EHLO hostname");
static const struct smtp_reply use_lhlo = SMTP_REPLY(500, "5.5.1", "This is LMTP, send LHLO");
static const struct smtp_reply hello_first = SMTP_REPLY(503, "5.5.1", "Send EHLO first");
static const struct smtp_reply tls_first =
	SMTP_REPLY(530, "5.7.0", "Must issue a STARTTLS command first");
static const struct smtp_reply auth_first = SMTP_REPLY(530, "5.7.0", "Authentication required");
static const struct smtp_reply nested_mail = SMTP_REPLY(503, "5.5.1", "Nested MAIL command");
static const struct smtp_reply mail_first = SMTP_REPLY(503, "5.5.1", "Send MAIL first");
static const struct smtp_reply no_recipients = SMTP_REPLY(554, "5.5.1", "No valid recipients");
static const struct smtp_reply lmtp_no_recipients = SMTP_REPLY(503, "5.5.1", "No valid recipients");
static const struct smtp_reply too_big = SMTP_REPLY(552, "5.3.4", "Message size exceeds the limit");
static const struct smtp_reply too_many_recipients =
	SMTP_REPLY(452, "4.5.3", "Too many recipients");
static const struct smtp_reply too_many_messages =
	SMTP_REPLY(421, "4.7.0", "Too many messages in this session");
static const struct smtp_reply start_data = SMTP_REPLY(354, NULL, "End data with <CRLF>.<CRLF>");
static const struct smtp_reply ok = SMTP_REPLY(250, "2.0.0", "OK");
static const struct smtp_reply recipient_ok = SMTP_REPLY(250, "2.1.5", "OK");
static const struct smtp_reply cannot_verify = SMTP_REPLY(252, "2.5.2", "Send some mail");
static const struct smtp_reply bye = SMTP_REPLY(221, "2.0.0", "Bye");

/* A host name or an address literal; what it says is recorded and means nothing. */
static bool hello_name_is_valid(struct slice name)
{
	if (slice_empty(name) || name.len > LIMIT_DOMAIN)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] > '~')
			return false;
	return true;
}

/* Commands that achieve nothing are free up to a point. */
static void count_idle(struct smtp_session *session)
{
	if (++session->idle_commands > LIMIT_SESSION_IDLE_COMMANDS)
		smtp_count_error(session);
}

/* false: refused, in words. */
static bool hello(struct smtp_session *session, struct slice name)
{
	if (!hello_name_is_valid(name)) {
		smtp_say(session, &bad_hello);
		return false;
	}
	if (session->helo_len > 0)
		count_idle(session);
	memcpy(session->helo, name.ptr, name.len);
	session->helo_len = name.len;
	smtp_transaction_end(session);
	return session->phase != SMTP_PHASE_CLOSING;
}

static void extended_hello(struct smtp_session *session, struct slice arguments)
{
	struct buf *out = &session->output;
	size_t from = out->len;

	if (!hello(session, arguments))
		return;
	buf_append_cstr(out, "250-");
	buf_append(out, session->settings->hostname);
	if (session->settings->pipelining)
		buf_append_cstr(out, "\r\n250-PIPELINING");
	if (smtp_may_start_tls(session))
		buf_append_cstr(out, "\r\n250-STARTTLS");
	if (smtp_may_authenticate(session))
		buf_append_cstr(out, "\r\n250-AUTH PLAIN LOGIN");
	buf_printf(out, "\r\n250-SIZE %zu", session->settings->message_size);
	buf_append_cstr(out, "\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n");
	smtp_trace_said(session, from);
}

static void handle_ehlo(struct smtp_session *session, struct slice arguments)
{
	if (session->settings->lmtp)
		smtp_say(session, &use_lhlo);
	else
		extended_hello(session, arguments);
}

static void handle_lhlo(struct smtp_session *session, struct slice arguments)
{
	if (session->settings->lmtp)
		extended_hello(session, arguments);
	else
		smtp_say(session, &unknown);
}

static void handle_helo(struct smtp_session *session, struct slice arguments)
{
	struct smtp_reply reply = { 250, NULL, session->settings->hostname };

	if (session->settings->lmtp)
		smtp_say(session, &use_lhlo);
	else if (hello(session, arguments))
		smtp_say(session, &reply);
}

static void handle_mail(struct smtp_session *session, struct slice arguments)
{
	const struct smtp_settings *settings = session->settings;
	const struct smtp_reply *refusal = NULL;
	struct smtp_mail mail;

	if (session->helo_len == 0)
		refusal = &hello_first;
	else if (settings->auth && !session->authenticated)
		refusal = &auth_first;
	else if (session->inbound != NULL)
		refusal = &nested_mail;
	else if (session->messages >= settings->max_messages)
		refusal = smtp_counted(session, REFUSED_MESSAGES, &too_many_messages);
	else
		refusal = smtp_mail_parse(arguments, &mail);
	if (refusal == NULL && mail.size > settings->message_size)
		refusal = smtp_counted(session, REFUSED_SIZE, &too_big);
	if (refusal != NULL) {
		smtp_say(session, refusal);
		return;
	}
	session->excused = 0;
	session->inbound = inbound_new(settings->message_size);
	session->inbound->mail_from = arena_copy(session->inbound->arena, mail.address);
	session->inbound->smtputf8 = mail.smtputf8;
	session->question = SMTP_ASK_MAIL;
}

/* Reports are handed over to whatever address; the key says whose they are. */
static void accept_submitted(struct smtp_session *session, struct slice address)
{
	const struct inbound_recipient recipient = {
		.address = address,
		.basis = RECIPIENT_SUBMITTED,
		.account_id = session->account_id,
	};

	smtp_add_recipient(session, &recipient);
	smtp_say(session, &recipient_ok);
}

/*
 * RCPT or DATA without a transaction. Behind a MAIL that was refused they are what a pipelining
 * client had sent before it could know (RFC 2920): they cost neither an error nor a delay.
 */
static void refuse_without_mail(struct smtp_session *session)
{
	if (session->excused == 0) {
		smtp_say(session, &mail_first);
		return;
	}
	session->excused--;
	smtp_say_excused(session, &mail_first);
}

static void handle_rcpt(struct smtp_session *session, struct slice arguments)
{
	struct inbound *inbound = session->inbound;
	const struct smtp_reply *refusal = NULL;
	struct slice address = SLICE_NONE;

	if (inbound == NULL) {
		refuse_without_mail(session);
		return;
	}
	if (inbound->recipient_count >= session->settings->max_recipients)
		refusal = smtp_counted(session, REFUSED_RECIPIENTS, &too_many_recipients);
	else
		refusal = smtp_rcpt_parse(arguments, inbound->smtputf8, &address);
	if (refusal != NULL) {
		smtp_say(session, refusal);
		return;
	}
	if (session->authenticated) {
		accept_submitted(session, address);
		return;
	}
	session->rcpt = arena_copy(inbound->arena, address);
	session->question = SMTP_ASK_RCPT;
}

static void handle_data(struct smtp_session *session, struct slice arguments)
{
	(void)arguments;
	if (session->inbound == NULL) {
		refuse_without_mail(session);
		session->excused = 0; /* DATA is the last of a group */
	} else if (session->inbound->recipient_count == 0) {
		smtp_say(session, session->settings->lmtp ? &lmtp_no_recipients : &no_recipients);
	} else {
		smtp_say(session, &start_data);
		smtp_data_begin(session);
	}
}

/* What follows BDAT is payload, and no command may be read from it. */
static void handle_bdat(struct smtp_session *session, struct slice arguments)
{
	(void)arguments;
	smtp_say_and_close(session, &unavailable);
}

static void handle_rset(struct smtp_session *session, struct slice arguments)
{
	(void)arguments;
	count_idle(session);
	smtp_transaction_end(session);
	smtp_say(session, &ok);
}

static void handle_noop(struct smtp_session *session, struct slice arguments)
{
	(void)arguments;
	count_idle(session);
	smtp_say(session, &ok);
}

static void handle_vrfy(struct smtp_session *session, struct slice arguments)
{
	(void)arguments;
	count_idle(session);
	smtp_say(session, &cannot_verify);
}

static void handle_unavailable(struct smtp_session *session, struct slice arguments)
{
	(void)arguments;
	smtp_say(session, &unavailable);
}

static void handle_quit(struct smtp_session *session, struct slice arguments)
{
	(void)arguments;
	session->quit = true;
	smtp_say_and_close(session, &bye);
}

static void handle_http(struct smtp_session *session, struct slice arguments)
{
	(void)arguments;
	smtp_refuse_foreign(session);
}

static void handle_unknown(struct smtp_session *session, struct slice arguments)
{
	(void)arguments;
	smtp_say(session, &unknown);
}

static const struct {
	void (*run)(struct smtp_session *session, struct slice arguments);
	bool last_in_group; /* RFC 2920 3.1: the client must wait for the reply */
	bool no_arguments;
	bool in_clear; /* also where TLS is required and did not begin */
} handlers[SMTP_VERB_COUNT] = {
	[SMTP_VERB_EHLO] = { handle_ehlo, .last_in_group = true, .in_clear = true },
	[SMTP_VERB_HELO] = { handle_helo, .last_in_group = true, .in_clear = true },
	[SMTP_VERB_LHLO] = { handle_lhlo, .last_in_group = true, .in_clear = true },
	[SMTP_VERB_STARTTLS] = { smtp_handle_starttls, .last_in_group = true, .no_arguments = true,
				 .in_clear = true },
	[SMTP_VERB_AUTH] = { smtp_handle_auth, .last_in_group = true },
	[SMTP_VERB_MAIL] = { handle_mail },
	[SMTP_VERB_RCPT] = { handle_rcpt },
	[SMTP_VERB_DATA] = { handle_data, .last_in_group = true, .no_arguments = true },
	[SMTP_VERB_BDAT] = { handle_bdat, .in_clear = true },
	[SMTP_VERB_RSET] = { handle_rset, .no_arguments = true },
	[SMTP_VERB_NOOP] = { handle_noop, .last_in_group = true, .in_clear = true },
	[SMTP_VERB_VRFY] = { handle_vrfy, .last_in_group = true },
	[SMTP_VERB_EXPN] = { handle_unavailable, .last_in_group = true },
	[SMTP_VERB_HELP] = { handle_unavailable },
	[SMTP_VERB_QUIT] = { handle_quit, .last_in_group = true, .no_arguments = true,
			     .in_clear = true },
	[SMTP_VERB_HTTP] = { handle_http, .in_clear = true },
	[SMTP_VERB_UNKNOWN] = { handle_unknown },
};

/* verb: SMTP_VERB_UNKNOWN also where the line is no command. */
static void trace_line(const struct smtp_session *session, struct slice line, enum smtp_verb verb)
{
	if (verb == SMTP_VERB_AUTH)
		smtp_trace_heard(session, SLICE("AUTH ****"));
	else if (verb == SMTP_VERB_UNKNOWN && session->auth_tried)
		smtp_trace_heard(session, SLICE("****"));
	else
		smtp_trace_heard(session, line);
}

void smtp_handle_line(struct smtp_session *session, struct slice line, bool more)
{
	struct smtp_command command = { .verb = SMTP_VERB_UNKNOWN };

	if (session->stopping) {
		smtp_say(session, &smtp_reply_stopping);
		return;
	}
	if (session->sasl != NULL) {
		if (more)
			smtp_refuse_sync(session);
		else
			smtp_handle_auth_line(session, line);
		return;
	}
	bool valid = smtp_command_parse(line, &command);

	trace_line(session, line, command.verb);
	if (!valid) {
		smtp_say(session, &bad_syntax);
		return;
	}
	bool must_wait = session->settings->tls_required && slice_empty(session->tls);
	bool last = handlers[command.verb].last_in_group || !session->settings->pipelining;

	/* BDAT and HTTP close by themselves, whatever is behind them. */
	if (more && last && command.verb != SMTP_VERB_BDAT && command.verb != SMTP_VERB_HTTP)
		smtp_refuse_sync(session);
	else if (handlers[command.verb].no_arguments && !slice_empty(command.arguments))
		smtp_say(session, &no_arguments);
	else if (must_wait && !handlers[command.verb].in_clear)
		smtp_say(session, &tls_first);
	else
		handlers[command.verb].run(session, command.arguments);
}
