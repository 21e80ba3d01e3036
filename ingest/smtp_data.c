/* SPDX-License-Identifier: Apache-2.0 */
/* The message itself, from behind 354 to the end of data. */
#include "ingest/smtp_machine.h"

static const struct smtp_reply too_big = SMTP_REPLY(552, "5.3.4", "Message size exceeds the limit");
static const struct smtp_reply no_room =
	SMTP_REPLY(452, "4.3.1", "too much in flight, try again later");
static const struct smtp_reply bare_eol =
	SMTP_REPLY(550, "5.5.2", "Message has CR or LF alone, or NUL");

void smtp_data_begin(struct smtp_session *session)
{
	session->phase = SMTP_PHASE_DATA;
	session->waiting_since_ms = session->now_ms;
	session->data_bytes = 0;
	session->oversize = session->shed = false;
	eod_init(&session->eod);
}

static void complete_envelope(struct smtp_session *session)
{
	struct inbound *inbound = session->inbound;
	const struct eod_scanner *eod = &session->eod;

	inbound->received_at = session->unix_ms;
	inbound->source = session->settings->lmtp ? SLICE("lmtp") : SLICE("smtp");
	inbound->trusted = session->settings->trusted;
	inbound->listener = arena_copy(inbound->arena, session->settings->listener);
	inbound->peer = arena_copy(inbound->arena, session->peer.address);
	inbound->helo = arena_copy(inbound->arena, slice_from(session->helo, session->helo_len));
	inbound->tls = session->tls;
	inbound->bare_eol = eod->bare_cr || eod->bare_lf || eod->nul;
}

/* more: bytes are waiting behind the end of data. */
static void end_data(struct smtp_session *session, bool more)
{
	session->phase = SMTP_PHASE_COMMAND;
	session->waiting_since_ms = session->now_ms;
	complete_envelope(session);
	smtp_trace_heard(session, SLICE("(the message)"));
	session->reply_count = session->settings->lmtp ? session->inbound->recipient_count : 1;
	if (more && !session->settings->pipelining) {
		/* Who talks on here may see another end of data than we do. */
		smtp_refuse_sync(session);
	} else if (session->oversize) {
		smtp_transaction_end(session);
		smtp_say_times(session, smtp_counted(session, REFUSED_SIZE, &too_big),
			       session->reply_count);
	} else if (session->shed) {
		smtp_transaction_end(session);
		smtp_say_times(session, smtp_counted(session, REFUSED_IN_FLIGHT, &no_room),
			       session->reply_count);
	} else if (session->inbound->bare_eol && session->settings->reject_bare_eol) {
		smtp_say_times(session, &bare_eol, session->reply_count);
		session->phase = SMTP_PHASE_CLOSING;
	} else {
		session->question = SMTP_ASK_MESSAGE;
	}
}

/* Gives up what cannot be kept; its end is still looked for, to say so there. */
static void limit(struct smtp_session *session, size_t before)
{
	const struct in_flight *in_flight = session->settings->in_flight;
	struct buf *raw = &session->inbound->raw;

	smtp_hold(session, before, raw->len);
	if (raw->full && !session->shed)
		session->oversize = true;
	else if (in_flight != NULL && !in_flight_fits(in_flight, raw->len))
		session->shed = true;
	if (raw->full || session->shed) {
		smtp_hold(session, raw->len, 0);
		buf_done(raw);
		buf_init(raw, 0);
	}
}

size_t smtp_consume_data(struct smtp_session *session, struct slice bytes)
{
	struct buf *raw = &session->inbound->raw;
	uint64_t size = session->settings->message_size;
	/* Reading on lets the sender see 552; a sender who goes on for ever is cut. */
	uint64_t room = size + size / 10 - session->data_bytes;
	size_t before = raw->len;
	size_t used = eod_scan(&session->eod, slice_head(bytes, room), raw);

	session->data_bytes += used;
	limit(session, before);
	if (session->eod.state == EOD_END)
		end_data(session, used < bytes.len);
	else if (used < bytes.len)
		smtp_say_and_close(session, smtp_counted(session, REFUSED_SIZE, &too_big));
	return used;
}
