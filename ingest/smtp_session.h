/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SMTP session (RFC 5321) as a pure machine: bytes and time in; reply bytes and actions out. It
 * knows no socket, no clock and no database. The shell feeds it, writes what it says, and answers
 * its questions; while a question is open it consumes no input.
 *
 *	smtp_session_input() → smtp_session_next() until SMTP_NEED_INPUT → smtp_session_input() …
 */
#ifndef BOUNCED_INGEST_SMTP_SESSION_H
#define BOUNCED_INGEST_SMTP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/inbound.h"
#include "core/slice.h"
#include "ingest/in_flight.h"
#include "ingest/refusal.h"
#include "ingest/sasl.h"
#include "ingest/smtp_reply.h"

/* Borrowed by the session. */
struct smtp_settings {
	struct slice hostname;
	struct slice listener;
	bool lmtp;         /* LMTP (RFC 2033) in place of SMTP */
	bool trusted;      /* whoever hands over here answers for what it says */
	bool starttls;     /* offer it (RFC 3207) */
	bool tls_required; /* nothing of use before TLS */
	bool auth;         /* AUTH (RFC 4954) over TLS, and nothing of use before it */
	size_t message_size;
	bool pipelining;
	bool reject_bare_eol; /* refuse at the end of data instead of flagging */
	unsigned max_recipients;
	unsigned max_messages;
	unsigned max_errors;
	struct refusal_counters *refusals; /* NULL: refusals are not counted */
	struct in_flight *in_flight;       /* NULL: as many bytes as come */
	int64_t error_delay_ms;            /* rest after an error, not under stress; 0: none */
	int64_t command_ms;                /* from one command to the next */
	int64_t stress_command_ms;         /* the same under stress */
	int64_t data_base_ms; /* DATA: this, and a second more for each data_bytes_per_s … */
	int64_t data_bytes_per_s;
	int64_t data_max_ms; /* … up to this */
	int64_t session_ms;
};

/* Everything as limits.h has it; begin with this. */
struct smtp_settings smtp_settings_default(void);

struct smtp_peer {
	struct slice address; /* text, without port */
};

enum smtp_action {
	SMTP_NEED_INPUT,  /* nothing to do until bytes come or smtp_session_deadline() passes */
	SMTP_ASK_MAIL,    /* may a transaction begin? answer() with 250 or a refusal */
	SMTP_ASK_RCPT,    /* smtp_session_rcpt() is the path's content; answer_rcpt() */
	SMTP_ASK_MESSAGE, /* smtp_session_take_message(), then answer() */
	SMTP_ASK_AUTH,    /* smtp_session_credentials(), then answer_auth() */
	SMTP_DELAY,       /* wait until smtp_session_deadline(), then smtp_session_resume() */
	SMTP_START_TLS,   /* write the output, shake hands, then smtp_session_tls_started() */
	SMTP_CLOSE,       /* write what is in the output, then close */
};

struct smtp_session;

struct smtp_session *smtp_session_new(const struct smtp_settings *settings,
				      const struct smtp_peer *peer, int64_t now_ms);
void smtp_session_free(struct smtp_session *session);

/* Who the client is, where a proxy says so; before the first next(). */
void smtp_session_set_peer(struct smtp_session *session, const struct smtp_peer *peer);

/* Told each line that is said, credentials and messages left out. */
struct smtp_trace {
	void (*line)(void *context, bool from_client, struct slice text);
	void *context;
};

void smtp_session_set_trace(struct smtp_session *session, const struct smtp_trace *trace);
struct slice smtp_session_peer(const struct smtp_session *session);

/* Offers received bytes; returns how many were consumed (the caller keeps the rest and offers it
 * again after the next action). now_ms is monotonic, unix_ms the wall clock. Bytes offered before
 * the first next(), which greets, are talk before the greeting: refused. The bytes behind a command
 * that a client must wait on (RFC 2920) count against it when they are offered together with it. */
size_t smtp_session_input(struct smtp_session *session, struct slice bytes, int64_t now_ms,
			  int64_t unix_ms);
enum smtp_action smtp_session_next(struct smtp_session *session);

/* What to write to the client; the shell consumes from it. */
struct buf *smtp_session_output(struct smtp_session *session);

struct slice smtp_session_rcpt(const struct smtp_session *session);
/* What the client says of itself; borrowed until the answer. */
struct sasl_credentials smtp_session_credentials(const struct smtp_session *session);
/* The message moves to the caller. */
struct inbound *smtp_session_take_message(struct smtp_session *session);

/* Answers SMTP_ASK_MAIL and SMTP_ASK_MESSAGE. A reply of 421 also closes, here and below. */
void smtp_session_answer(struct smtp_session *session, const struct smtp_reply *reply,
			 int64_t now_ms);
/* Answers SMTP_ASK_RCPT: a 2xx reply adds the recipient (its text is copied) to the envelope. */
void smtp_session_answer_rcpt(struct smtp_session *session, const struct smtp_reply *reply,
			      const struct inbound_recipient *recipient, int64_t now_ms);

/* Answers SMTP_ASK_AUTH. 235: from now on every recipient is accepted, as submitted for that
 * account. A refusal closes when it is the last that the session has. */
void smtp_session_answer_auth(struct smtp_session *session, const struct smtp_reply *reply,
			      uint64_t account_id, int64_t now_ms);
/*
 * The handshake that SMTP_START_TLS asked for is done: all that the client said before is
 * forgotten (RFC 3207 4.2). Also to be called before the first next() where TLS comes before SMTP.
 * version: "TLSv1.3", static.
 */
void smtp_session_tls_started(struct smtp_session *session, struct slice version, int64_t now_ms);

/* After SMTP_DELAY. */
void smtp_session_resume(struct smtp_session *session, int64_t now_ms);

/* The service is nearly full, or no longer: clients must be quicker. */
void smtp_session_set_stressed(struct smtp_session *session, bool stressed);
/* Turns the client away before the first next(), which then closes. */
void smtp_session_refuse(struct smtp_session *session, const struct smtp_reply *reply);

/* Monotonic ms; INT64_MAX while a question is open. */
int64_t smtp_session_deadline(const struct smtp_session *session);
/* The deadline passed: says 421 and closes. */
void smtp_session_timeout(struct smtp_session *session, int64_t now_ms);
/* The service stops: 421 at the next command boundary; a DATA under way may finish. */
void smtp_session_shutdown(struct smtp_session *session);
/* No transaction and nothing under way: may be closed at once. */
bool smtp_session_idle(const struct smtp_session *session);
/* It closes because the client said QUIT, so nothing more will come from it. */
bool smtp_session_quit(const struct smtp_session *session);

#endif
