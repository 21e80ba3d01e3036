/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the SMTP machine share; nobody else includes it.
 *
 *	smtp_session.c      life cycle, questions and answers, deadlines
 *	smtp_lines.c        bytes → command lines, junk, dispatch
 *	smtp_commands.c     one handler a command
 *	smtp_data.c         the message itself
 *	smtp_auth.c         AUTH and STARTTLS
 */
#ifndef BOUNCED_INGEST_SMTP_MACHINE_H
#define BOUNCED_INGEST_SMTP_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/inbound.h"
#include "core/limits.h"
#include "core/slice.h"
#include "ingest/eod.h"
#include "ingest/sasl.h"
#include "ingest/smtp_session.h"

enum smtp_phase {
	SMTP_PHASE_GREETING, /* nothing was said yet */
	SMTP_PHASE_COMMAND,
	SMTP_PHASE_JUNK, /* behind a line that was refused before its end */
	SMTP_PHASE_DATA,
	SMTP_PHASE_CLOSING,
};

struct smtp_session {
	const struct smtp_settings *settings;
	struct smtp_peer peer; /* its text in peer_text */
	char peer_text[48];
	enum smtp_phase phase;
	enum smtp_action question; /* SMTP_NEED_INPUT: none is open */
	struct smtp_trace trace;   /* line is NULL: none */
	bool stopping;
	bool quit; /* the client said QUIT */
	bool stressed;
	bool delayed; /* until resume_at_ms */

	/* times of the input or answer under way */
	int64_t now_ms;
	int64_t unix_ms;
	int64_t started_ms;
	int64_t resume_at_ms;
	int64_t waiting_since_ms; /* for a command, or for the end of data */

	struct buf output;
	struct buf line; /* the beginning of an incomplete command line */
	bool junk_cr;    /* the last byte of junk was a CR */
	size_t junk_bytes;

	char helo[LIMIT_DOMAIN];
	size_t helo_len; /* 0: no greeting yet */
	unsigned errors;
	unsigned excused; /* RCPT and DATA that may be on their way behind a refused MAIL */
	unsigned idle_commands;
	unsigned messages;

	struct slice tls;  /* the protocol's version; empty: in clear */
	struct sasl *sasl; /* an AUTH exchange under way, or NULL */
	bool auth_tried;   /* what is no command may be a password */
	unsigned auth_failures;
	bool authenticated;
	uint64_t account_id; /* whose key it was */

	/* the transaction; NULL between transactions */
	struct inbound *inbound;
	size_t recipient_cap;
	struct slice rcpt;  /* the recipient asked about */
	size_t reply_count; /* replies to the end of data: LMTP has one a recipient */
	struct eod_scanner eod;
	uint64_t data_bytes;
	bool oversize;
	bool shed; /* not kept, since too much was in flight */
};

/* Says it. 421 closes; so does, instead of the reply, the last error that the session has. */
void smtp_say(struct smtp_session *session, const struct smtp_reply *reply);
/* The same for what a pipelining client could not know better: no error of its own. */
void smtp_say_excused(struct smtp_session *session, const struct smtp_reply *reply);
void smtp_say_times(struct smtp_session *session, const struct smtp_reply *reply, size_t times);
void smtp_say_and_close(struct smtp_session *session, const struct smtp_reply *reply);
void smtp_count_error(struct smtp_session *session);
/* Counts the refusal, and returns its reply. */
const struct smtp_reply *smtp_counted(struct smtp_session *session, enum refusal refusal,
				      const struct smtp_reply *reply);
/* The client talks out of turn. */
void smtp_refuse_sync(struct smtp_session *session);
void smtp_refuse_foreign(struct smtp_session *session);
void smtp_transaction_end(struct smtp_session *session);
/* The message under way now holds `held` bytes instead of `before`. */
void smtp_hold(const struct smtp_session *session, size_t before, size_t held);

/* For the transcript: what the client said, and our output from `from` on. */
void smtp_trace_heard(const struct smtp_session *session, struct slice text);
void smtp_trace_said(const struct smtp_session *session, size_t from);

/* Each consumes some of the bytes, at least one unless it changes the phase. */
size_t smtp_consume_line(struct smtp_session *session, struct slice bytes);
size_t smtp_consume_junk(struct smtp_session *session, struct slice bytes);
size_t smtp_consume_data(struct smtp_session *session, struct slice bytes);
/* The bytes do not look like SMTP at all. */
bool smtp_is_foreign(struct slice bytes);

/* One complete command line; more: bytes are waiting behind it. */
void smtp_handle_line(struct smtp_session *session, struct slice line, bool more);
void smtp_data_begin(struct smtp_session *session);
void smtp_add_recipient(struct smtp_session *session, const struct inbound_recipient *recipient);

/* AUTH and STARTTLS may be offered now. */
bool smtp_may_start_tls(const struct smtp_session *session);
bool smtp_may_authenticate(const struct smtp_session *session);
void smtp_handle_starttls(struct smtp_session *session, struct slice arguments);
void smtp_handle_auth(struct smtp_session *session, struct slice arguments);
/* A line of the exchange under way. */
void smtp_handle_auth_line(struct smtp_session *session, struct slice line);
void smtp_auth_end(struct smtp_session *session);

extern const struct smtp_reply smtp_reply_stopping;

#endif
