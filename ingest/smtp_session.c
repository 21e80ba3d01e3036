/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/smtp_machine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/smtp_command.h"

static const struct smtp_reply out_of_turn =
	SMTP_REPLY(554, "5.5.0", "SMTP protocol synchronization error");
static const struct smtp_reply foreign = SMTP_REPLY(421, "4.7.0", "This is an SMTP server");
const struct smtp_reply smtp_reply_stopping = SMTP_REPLY(421, "4.3.2", "Service is shutting down");
static const struct smtp_reply too_many_errors = SMTP_REPLY(421, "4.7.0", "Too many errors");
static const struct smtp_reply timed_out = SMTP_REPLY(421, "4.4.2", "Timeout");

struct smtp_settings smtp_settings_default(void)
{
	return (struct smtp_settings){
		.hostname = SLICE("localhost"),
		.listener = SLICE("smtp"),
		.message_size = LIMIT_MESSAGE_SIZE,
		.pipelining = true,
		.max_recipients = LIMIT_RECIPIENTS,
		.max_messages = LIMIT_SESSION_MESSAGES,
		.max_errors = LIMIT_SESSION_ERRORS,
		.error_delay_ms = LIMIT_ERROR_DELAY_MS,
		.command_ms = LIMIT_COMMAND_MS,
		.stress_command_ms = LIMIT_STRESS_COMMAND_MS,
		.data_base_ms = LIMIT_DATA_BASE_MS,
		.data_max_ms = LIMIT_DATA_MAX_MS,
		.data_bytes_per_s = LIMIT_DATA_BYTES_PER_S,
		.session_ms = LIMIT_SESSION_MS,
	};
}

void smtp_session_set_peer(struct smtp_session *session, const struct smtp_peer *peer)
{
	struct slice address = slice_head(peer->address, sizeof(session->peer_text));

	assert(session->phase == SMTP_PHASE_GREETING);
	memcpy(session->peer_text, address.ptr, address.len);
	session->peer.address = slice_from(session->peer_text, address.len);
}

void smtp_session_set_trace(struct smtp_session *session, const struct smtp_trace *trace)
{
	session->trace = *trace;
}

struct slice smtp_session_peer(const struct smtp_session *session)
{
	return session->peer.address;
}

struct smtp_session *smtp_session_new(const struct smtp_settings *settings,
				      const struct smtp_peer *peer, int64_t now_ms)
{
	struct smtp_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		abort();
	assert(settings->data_bytes_per_s > 0);
	session->settings = settings;
	smtp_session_set_peer(session, peer);
	session->phase = SMTP_PHASE_GREETING;
	session->now_ms = session->started_ms = session->waiting_since_ms = now_ms;
	buf_init(&session->output, LIMIT_OUTPUT_BUFFER);
	buf_init(&session->line, LIMIT_COMMAND_LINE);
	return session;
}

void smtp_session_free(struct smtp_session *session)
{
	if (session == NULL)
		return;
	smtp_transaction_end(session);
	smtp_auth_end(session);
	buf_done(&session->output);
	buf_done(&session->line);
	free(session);
}

/* -- what the machine's parts share -- */

void smtp_trace_heard(const struct smtp_session *session, struct slice text)
{
	if (session->trace.line != NULL)
		session->trace.line(session->trace.context, true, text);
}

void smtp_trace_said(const struct smtp_session *session, size_t from)
{
	struct slice rest = slice_skip(buf_slice(&session->output), from), line;

	if (session->trace.line == NULL)
		return;
	while (slice_next_line(&rest, &line))
		session->trace.line(session->trace.context, false, line);
}

static void say(struct smtp_session *session, const struct smtp_reply *reply)
{
	size_t from = session->output.len;

	smtp_reply_format(reply, &session->output);
	smtp_trace_said(session, from);
}

const struct smtp_reply *smtp_counted(struct smtp_session *session, enum refusal refusal,
				      const struct smtp_reply *reply)
{
	if (session->phase != SMTP_PHASE_CLOSING)
		refusal_add(session->settings->refusals, refusal);
	return reply;
}

/* true: it was the last that the session has. */
static bool add_error(struct smtp_session *session)
{
	if (session->settings->error_delay_ms > 0 && !session->stressed) {
		session->delayed = true;
		session->resume_at_ms = session->now_ms + session->settings->error_delay_ms;
	}
	return ++session->errors >= session->settings->max_errors;
}

void smtp_say(struct smtp_session *session, const struct smtp_reply *reply)
{
	if (session->phase == SMTP_PHASE_CLOSING)
		return;
	if (reply->code >= 500 && add_error(session))
		reply = smtp_counted(session, REFUSED_ERRORS, &too_many_errors);
	say(session, reply);
	if (reply->code == 421)
		session->phase = SMTP_PHASE_CLOSING;
}

void smtp_say_excused(struct smtp_session *session, const struct smtp_reply *reply)
{
	if (session->phase != SMTP_PHASE_CLOSING)
		say(session, reply);
}

void smtp_say_times(struct smtp_session *session, const struct smtp_reply *reply, size_t times)
{
	smtp_say(session, reply);
	for (size_t i = 1; i < times && session->phase != SMTP_PHASE_CLOSING; i++)
		say(session, reply);
}

void smtp_say_and_close(struct smtp_session *session, const struct smtp_reply *reply)
{
	smtp_say(session, reply);
	session->phase = SMTP_PHASE_CLOSING;
}

void smtp_count_error(struct smtp_session *session)
{
	if (add_error(session))
		smtp_say(session, smtp_counted(session, REFUSED_ERRORS, &too_many_errors));
}

void smtp_refuse_sync(struct smtp_session *session)
{
	smtp_say_and_close(session, smtp_counted(session, REFUSED_SYNCHRONIZATION, &out_of_turn));
}

void smtp_refuse_foreign(struct smtp_session *session)
{
	smtp_say(session, smtp_counted(session, REFUSED_FOREIGN, &foreign));
}

void smtp_hold(const struct smtp_session *session, size_t before, size_t held)
{
	struct in_flight *in_flight = session->settings->in_flight;

	if (in_flight != NULL)
		in_flight->receiving = in_flight->receiving - before + held;
}

void smtp_transaction_end(struct smtp_session *session)
{
	if (session->inbound != NULL)
		smtp_hold(session, session->inbound->raw.len, 0);
	inbound_free(session->inbound);
	session->inbound = NULL;
	session->recipient_cap = 0;
	session->rcpt = SLICE_NONE;
}

/* -- input -- */

static void greet(struct smtp_session *session)
{
	size_t from = session->output.len;

	buf_append_cstr(&session->output, "220 ");
	buf_append(&session->output, session->settings->hostname);
	buf_append_cstr(&session->output,
			session->settings->lmtp ? " LMTP bounced\r\n" : " ESMTP bounced\r\n");
	smtp_trace_said(session, from);
	session->phase = SMTP_PHASE_COMMAND;
}

/* Who talks before the greeting does not listen. */
static void refuse_early_talk(struct smtp_session *session, struct slice bytes)
{
	struct smtp_command command = { .verb = SMTP_VERB_UNKNOWN };
	struct slice line;

	if (smtp_is_foreign(bytes) ||
	    (slice_next_line(&bytes, &line) && smtp_command_parse(line, &command) &&
	     command.verb == SMTP_VERB_HTTP))
		smtp_refuse_foreign(session);
	else
		smtp_refuse_sync(session);
}

static size_t consume(struct smtp_session *session, struct slice bytes)
{
	switch (session->phase) {
	case SMTP_PHASE_GREETING:
		refuse_early_talk(session, bytes);
		return bytes.len;
	case SMTP_PHASE_COMMAND:
		return smtp_consume_line(session, bytes);
	case SMTP_PHASE_JUNK:
		return smtp_consume_junk(session, bytes);
	case SMTP_PHASE_DATA:
		return smtp_consume_data(session, bytes);
	case SMTP_PHASE_CLOSING:
		break;
	}
	return bytes.len;
}

size_t smtp_session_input(struct smtp_session *session, struct slice bytes, int64_t now_ms,
			  int64_t unix_ms)
{
	size_t used = 0;

	session->now_ms = now_ms;
	session->unix_ms = unix_ms;
	while (used < bytes.len && session->question == SMTP_NEED_INPUT && !session->delayed)
		used += consume(session, slice_skip(bytes, used));
	return used;
}

enum smtp_action smtp_session_next(struct smtp_session *session)
{
	if (session->question != SMTP_NEED_INPUT)
		return session->question;
	if (session->phase == SMTP_PHASE_GREETING)
		greet(session);
	if (session->phase == SMTP_PHASE_CLOSING)
		return SMTP_CLOSE;
	return session->delayed ? SMTP_DELAY : SMTP_NEED_INPUT;
}

struct buf *smtp_session_output(struct smtp_session *session)
{
	return &session->output;
}

/* -- questions and answers -- */

struct slice smtp_session_rcpt(const struct smtp_session *session)
{
	return session->rcpt;
}

struct inbound *smtp_session_take_message(struct smtp_session *session)
{
	struct inbound *inbound = session->inbound;

	assert(session->question == SMTP_ASK_MESSAGE);
	smtp_hold(session, inbound->raw.len, 0);
	session->inbound = NULL;
	return inbound;
}

static void close_question(struct smtp_session *session, int64_t now_ms)
{
	session->question = SMTP_NEED_INPUT;
	session->now_ms = session->waiting_since_ms = now_ms;
}

void smtp_session_answer(struct smtp_session *session, const struct smtp_reply *reply,
			 int64_t now_ms)
{
	bool message = session->question == SMTP_ASK_MESSAGE;
	size_t times = message ? session->reply_count : 1;

	assert(message || session->question == SMTP_ASK_MAIL);
	close_question(session, now_ms);
	if (message) {
		session->messages++;
		session->idle_commands = 0;
	}
	if (message || reply->code >= 300)
		smtp_transaction_end(session);
	if (!message && reply->code >= 300)
		session->excused = session->settings->max_recipients + 1;
	smtp_say_times(session, reply, times);
	if (session->stopping && smtp_session_idle(session))
		smtp_say(session, &smtp_reply_stopping);
}

void smtp_add_recipient(struct smtp_session *session, const struct inbound_recipient *recipient)
{
	struct inbound *inbound = session->inbound;

	if (inbound->recipient_count == session->recipient_cap) {
		size_t cap = session->recipient_cap == 0 ? 1 : session->recipient_cap * 2;
		struct inbound_recipient *more =
			ARENA_ARRAY(inbound->arena, struct inbound_recipient, cap);

		if (inbound->recipient_count > 0)
			memcpy(more, inbound->recipients, inbound->recipient_count * sizeof(*more));
		inbound->recipients = more;
		session->recipient_cap = cap;
	}
	struct inbound_recipient *added = &inbound->recipients[inbound->recipient_count++];

	*added = *recipient;
	added->address = arena_copy(inbound->arena, recipient->address);
}

void smtp_session_answer_rcpt(struct smtp_session *session, const struct smtp_reply *reply,
			      const struct inbound_recipient *recipient, int64_t now_ms)
{
	assert(session->question == SMTP_ASK_RCPT);
	close_question(session, now_ms);
	if (reply->code < 300)
		smtp_add_recipient(session, recipient);
	smtp_say(session, reply);
}

struct sasl_credentials smtp_session_credentials(const struct smtp_session *session)
{
	assert(session->question == SMTP_ASK_AUTH);
	return sasl_credentials(session->sasl);
}

void smtp_session_answer_auth(struct smtp_session *session, const struct smtp_reply *reply,
			      uint64_t account_id, int64_t now_ms)
{
	assert(session->question == SMTP_ASK_AUTH);
	close_question(session, now_ms);
	smtp_auth_end(session);
	if (reply->code < 300) {
		session->authenticated = true;
		session->account_id = account_id;
	} else if (++session->auth_failures >= LIMIT_AUTH_FAILURES) {
		reply = smtp_counted(session, REFUSED_ERRORS, &too_many_errors);
	}
	smtp_say(session, reply);
	if (session->stopping)
		smtp_say(session, &smtp_reply_stopping);
}

void smtp_session_tls_started(struct smtp_session *session, struct slice version, int64_t now_ms)
{
	assert(session->question == SMTP_START_TLS || session->phase == SMTP_PHASE_GREETING);
	close_question(session, now_ms);
	smtp_transaction_end(session);
	buf_reset(&session->line);
	session->helo_len = 0;
	session->tls = version;
	smtp_trace_heard(session, version);
	if (session->stopping)
		smtp_say(session, &smtp_reply_stopping);
}

/* -- time and end -- */

static int64_t min_i64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t smtp_session_deadline(const struct smtp_session *session)
{
	const struct smtp_settings *settings = session->settings;
	int64_t wait_ms = settings->command_ms;

	if (session->question != SMTP_NEED_INPUT || session->phase == SMTP_PHASE_CLOSING)
		return INT64_MAX;
	if (session->delayed)
		return session->resume_at_ms;
	if (session->stressed)
		wait_ms = min_i64(wait_ms, settings->stress_command_ms);
	if (session->phase == SMTP_PHASE_DATA) {
		int64_t earned_ms =
			(int64_t)session->data_bytes * 1000 / settings->data_bytes_per_s;

		wait_ms = min_i64(settings->data_base_ms + earned_ms, settings->data_max_ms);
	}
	return min_i64(session->waiting_since_ms + wait_ms,
		       session->started_ms + settings->session_ms);
}

void smtp_session_timeout(struct smtp_session *session, int64_t now_ms)
{
	assert(session->question == SMTP_NEED_INPUT && !session->delayed);
	session->now_ms = now_ms;
	smtp_say(session, smtp_counted(session, REFUSED_TIMEOUT, &timed_out));
}

void smtp_session_resume(struct smtp_session *session, int64_t now_ms)
{
	/* The rest counts as the client's time, or junk would buy some. */
	session->delayed = false;
	session->now_ms = now_ms;
}

void smtp_session_set_stressed(struct smtp_session *session, bool stressed)
{
	session->stressed = stressed;
}

void smtp_session_refuse(struct smtp_session *session, const struct smtp_reply *reply)
{
	assert(session->phase == SMTP_PHASE_GREETING);
	smtp_say_and_close(session, reply);
}

void smtp_session_shutdown(struct smtp_session *session)
{
	session->stopping = true;
	if (smtp_session_idle(session))
		smtp_say(session, &smtp_reply_stopping);
}

bool smtp_session_idle(const struct smtp_session *session)
{
	return session->question == SMTP_NEED_INPUT && session->inbound == NULL;
}

bool smtp_session_quit(const struct smtp_session *session)
{
	return session->quit;
}
