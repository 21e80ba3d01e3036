/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client and a service around the SMTP machine, for tests and fuzz targets: offers bytes as the
 * shell does, answers the machine's questions at once, and notes what it says: a reply as "code
 * enhanced", the end of the session as "close", the beginning of TLS as "tls", with commas between.
 */
#ifndef BOUNCED_TESTS_SMTP_CLIENT_H
#define BOUNCED_TESTS_SMTP_CLIENT_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "ingest/smtp_session.h"

#define UNIX_MS INT64_C(1795000000000)
#define HELLO   "EHLO c.example\r\n"
#define MAIL    "MAIL FROM:<>\r\n"
#define RCPT    "RCPT TO:<ok@bounce.example>\r\n"
#define BEGIN   MAIL RCPT "DATA\r\n"

/* A client and the service behind the session: recipients whose address begins with "ok" exist. */
struct client {
	struct smtp_session *session;
	const struct smtp_reply *admission; /* the answer to MAIL */
	struct buf replies;                 /* since the last look: "250 2.0.0,354,close" */
	struct buf stored;                  /* messages, each followed by "|" */
	struct inbound *last;
	int64_t now_ms;
	bool hold;        /* the service does not answer messages */
	bool hold_delays; /* they are not over at once */
	unsigned delays;
	bool closed;
};

static const struct smtp_reply admitted = SMTP_REPLY(250, "2.1.0", "OK");
static const struct smtp_reply committed = SMTP_REPLY(250, "2.0.0", "stored");
static const struct smtp_reply known = SMTP_REPLY(250, "2.1.5", "OK");
static const struct smtp_reply key_known = SMTP_REPLY(235, "2.7.0", "OK");
static const struct smtp_reply key_unknown = SMTP_REPLY(535, "5.7.8", "no");
static const struct smtp_reply nobody = SMTP_REPLY(550, "5.1.1", "nobody");

static inline void client_init(struct client *client, const struct smtp_settings *settings)
{
	*client = (struct client){
		.admission = &admitted,
		.now_ms = 1000,
	};
	client->session = smtp_session_new(settings, &(struct smtp_peer){ SLICE("192.0.2.7") },
					   client->now_ms);
	buf_init(&client->replies, 1 << 20);
	buf_init(&client->stored, 1 << 24);
}

static inline void client_done(struct client *client)
{
	smtp_session_free(client->session);
	inbound_free(client->last);
	buf_done(&client->replies);
	buf_done(&client->stored);
}

static inline void note(struct client *client, struct slice text)
{
	if (client->replies.len > 0)
		buf_append_byte(&client->replies, ',');
	buf_append(&client->replies, text);
}

/* Notes the replies said since, of several lines only the last. */
static inline void read_replies(struct client *client)
{
	struct buf *output = smtp_session_output(client->session);
	struct slice rest = buf_slice(output), line, code;

	assert(!output->full);
	while (rest.len > 0) {
		ptrdiff_t end = slice_find(rest, SLICE("\r\n"));

		assert(end >= 4 && end <= 510);
		line = slice_head(rest, (size_t)end);
		rest = slice_skip(rest, (size_t)end + 2);
		assert(slice_find_byte(line, '\r') < 0 && slice_find_byte(line, '\n') < 0);
		if (line.ptr[3] == '-')
			continue;
		code = slice_head(line, 3);
		if (line.len > 9 && line.ptr[4] == line.ptr[0] && line.ptr[5] == '.')
			code = slice_head(line, 9);
		note(client, code);
	}
	buf_reset(output);
}

static inline void answer_message(struct client *client, const struct smtp_reply *reply)
{
	smtp_session_answer(client->session, reply, client->now_ms);
}

static inline void store(struct client *client)
{
	inbound_free(client->last);
	client->last = smtp_session_take_message(client->session);
	buf_append(&client->stored, buf_slice(&client->last->raw));
	buf_append_byte(&client->stored, '|');
	if (!client->hold)
		answer_message(client, &committed);
}

static inline void answer_rcpt(struct client *client)
{
	struct slice address = smtp_session_rcpt(client->session);
	struct inbound_recipient recipient = { .address = address, .account_id = 7 };

	if (slice_starts_with(address, SLICE("ok")))
		smtp_session_answer_rcpt(client->session, &known, &recipient, client->now_ms);
	else
		smtp_session_answer_rcpt(client->session, &nobody, NULL, client->now_ms);
}

/* Every password that is "good" is account 9's. */
static inline void answer_auth(struct client *client)
{
	struct sasl_credentials credentials = smtp_session_credentials(client->session);
	bool good = slice_equal(credentials.password, SLICE("good"));

	smtp_session_answer_auth(client->session, good ? &key_known : &key_unknown, 9,
				 client->now_ms);
}

/* The handshake begins when the reply is sent. */
static inline void start_tls(struct client *client)
{
	read_replies(client);
	note(client, SLICE("tls"));
	smtp_session_tls_started(client->session, SLICE("TLSv1.3"), client->now_ms);
}

/* Returns false when the client must wait for an answer or is closed. */
static inline bool serve(struct client *client)
{
	switch (smtp_session_next(client->session)) {
	case SMTP_NEED_INPUT:
		return true;
	case SMTP_ASK_MAIL:
		smtp_session_answer(client->session, client->admission, client->now_ms);
		return true;
	case SMTP_ASK_RCPT:
		answer_rcpt(client);
		return true;
	case SMTP_ASK_MESSAGE:
		store(client);
		return !client->hold;
	case SMTP_ASK_AUTH:
		answer_auth(client);
		return true;
	case SMTP_START_TLS:
		start_tls(client);
		return true;
	case SMTP_DELAY:
		client->delays++;
		if (client->hold_delays)
			return false;
		smtp_session_resume(client->session, client->now_ms);
		return true;
	case SMTP_CLOSE:
		client->closed = true;
		return false;
	}
	return false;
}

/* Offers one piece as the shell does. */
static inline void offer(struct client *client, struct slice piece)
{
	size_t used;

	while (!client->closed) {
		used = smtp_session_input(client->session, piece, client->now_ms, UNIX_MS);
		piece = slice_skip(piece, used);
		if (!serve(client))
			break;
		if (piece.len == 0 && smtp_session_next(client->session) == SMTP_NEED_INPUT)
			break;
	}
	read_replies(client);
	if (client->closed && !slice_ends_with(buf_slice(&client->replies), SLICE("close")))
		note(client, SLICE("close"));
}

static inline void say(struct client *client, const char *text)
{
	offer(client, slice_from_cstr(text));
}

static inline void say_bytewise(struct client *client, struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		offer(client, slice_from(text.ptr + i, 1));
}

#endif
