/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes into command lines. Only CRLF ends one. A line that breaks the framing is answered at the
 * byte that breaks it and then thrown away up to its CRLF, so that nothing inside it is ever taken
 * for a command, and nothing of it is kept. All decisions depend on byte counts alone, never on how
 * the bytes were cut.
 */
#include "ingest/smtp_machine.h"

#include <string.h>

static const struct smtp_reply line_too_long = SMTP_REPLY(500, "5.5.2", "Line too long");
static const struct smtp_reply bare_lf = SMTP_REPLY(500, "5.5.2", "Lines must end in CRLF");
static const struct smtp_reply too_much_junk = SMTP_REPLY(421, "4.7.0", "Too much junk");

bool smtp_is_foreign(struct slice bytes)
{
	/* TLS, binary protocols, JSON …: commands are letters; CR and LF are answered as lines. */
	return bytes.len > 0 && !ascii_is_alpha(bytes.ptr[0]) && bytes.ptr[0] != '\r' &&
	       bytes.ptr[0] != '\n';
}

static void begin_junk(struct smtp_session *session, const struct smtp_reply *reply, bool cr)
{
	buf_reset(&session->line);
	smtp_auth_end(session);
	smtp_trace_heard(session, SLICE("(a broken line)"));
	session->phase = SMTP_PHASE_JUNK;
	session->junk_cr = cr;
	smtp_say(session, reply);
}

/* Whether the byte before bytes[at], in this piece or the one before, is a CR. */
static bool cr_before(const struct buf *line, struct slice bytes, size_t at)
{
	if (at > 0)
		return bytes.ptr[at - 1] == '\r';
	return line->len > 0 && line->data[line->len - 1] == '\r';
}

size_t smtp_consume_line(struct smtp_session *session, struct slice bytes)
{
	struct buf *line = &session->line;
	size_t room = LIMIT_COMMAND_LINE - line->len;
	struct slice head = slice_head(bytes, room);
	ptrdiff_t lf = slice_find_byte(head, '\n');

	if (line->len == 0 && session->sasl == NULL && smtp_is_foreign(bytes)) {
		smtp_refuse_foreign(session);
		return bytes.len;
	}
	if (lf < 0 && bytes.len > room) {
		begin_junk(session, &line_too_long, cr_before(line, bytes, room));
		return room;
	}
	if (lf < 0) {
		buf_append(line, bytes);
		return bytes.len;
	}
	size_t used = (size_t)lf + 1;

	if (!cr_before(line, bytes, (size_t)lf)) {
		begin_junk(session, &bare_lf, false);
		return used;
	}
	head = slice_head(bytes, used);
	if (line->len > 0) {
		buf_append(line, head);
		head = buf_slice(line);
	}
	session->waiting_since_ms = session->now_ms;
	smtp_handle_line(session, slice_head(head, head.len - 2), used < bytes.len);
	buf_reset(line);
	return used;
}

size_t smtp_consume_junk(struct smtp_session *session, struct slice bytes)
{
	size_t room = LIMIT_COMMAND_JUNK - session->junk_bytes;
	struct slice head = slice_head(bytes, room);
	ptrdiff_t lf = slice_find_byte(head, '\n');
	size_t used = lf < 0 ? head.len : (size_t)lf + 1;

	session->junk_bytes += used;
	if (lf < 0) {
		if (bytes.len > room)
			smtp_say(session, smtp_counted(session, REFUSED_JUNK, &too_much_junk));
		else if (used > 0)
			session->junk_cr = bytes.ptr[used - 1] == '\r';
		return used;
	}
	if (lf == 0 ? session->junk_cr : bytes.ptr[lf - 1] == '\r') {
		session->phase = SMTP_PHASE_COMMAND;
		session->waiting_since_ms = session->now_ms;
	}
	session->junk_cr = false;
	return used;
}
