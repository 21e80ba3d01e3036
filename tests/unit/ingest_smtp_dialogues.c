/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialogues with the SMTP machine. Each is held whole, cut at every byte, and byte by byte, and
 * must come out the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/smtp_client.h"

static void expect(struct client *client, const char *replies)
{
	struct slice got = buf_slice(&client->replies);

	if (!slice_equal(got, slice_from_cstr(replies)))
		fail_msg("got \"%.*s\", want \"%s\"", SLICE_ARG(got), replies);
	buf_reset(&client->replies);
}

enum {
	NO_PIPELINING = 1,
	REJECT_BARE = 2,
	TINY = 4,
	WHOLE_ONLY = 8,
	STARTTLS = 16,
	TLS_REQUIRED = 32,
	AUTH = 64,
	LMTP = 128,
};

struct dialogue {
	unsigned flags;
	struct {
		struct slice send;
		const char *expect;
	} steps[6];
	struct slice stored;
};

#define S(text) SLICE_LITERAL(text)
/* Replies to HELLO and BEGIN. */
#define R_BEGIN "250 2.1.0,250 2.1.5,354"

#define START_TLS "STARTTLS\r\n"
/* name "key", password "good" or "bad" */
#define AUTH_GOOD "AUTH PLAIN AGtleQBnb29k\r\n"
#define AUTH_BAD  "AUTH PLAIN AGtleQBiYWQ=\r\n"

static const struct dialogue dialogues[] = {
	/* one message after the other */
	{ 0,
	  { { S(HELLO), "250" },
	    { S(MAIL), "250 2.1.0" },
	    { S(RCPT), "250 2.1.5" },
	    { S("DATA\r\n"), "354" },
	    { S("a\r\n..b\r\n.\r\n"), "250 2.0.0" },
	    { S(MAIL "RSET\r\nquit\r\n"), "250 2.1.0,250 2.0.0,221 2.0.0,close" } },
	  S("a\r\n.b\r\n|") },
	{ 0,
	  { { S("HELO c.example\r\n"), "250" },
	    { S(BEGIN), R_BEGIN },
	    { S(".\r\n"), "250 2.0.0" } },
	  S("|") },
	/* pipelined: the next group may follow the end of data at once */
	{ 0,
	  { { S(HELLO), "250" },
	    { S(BEGIN), R_BEGIN },
	    { S("x\r\n.\r\n" BEGIN), "250 2.0.0," R_BEGIN },
	    { S("y\r\n.\r\nQUIT\r\n"), "250 2.0.0,221 2.0.0,close" } },
	  S("x\r\n|y\r\n|") },
	/* refused recipients do not hurt the others */
	{ 0,
	  { { S(HELLO), "250" },
	    { S(MAIL "RCPT TO:<no@bounce.example>\r\n" RCPT "DATA\r\n"),
	      "250 2.1.0,550 5.1.1,250 2.1.5,354" },
	    { S("z\r\n.\r\n"), "250 2.0.0" } },
	  S("z\r\n|") },
	{ 0,
	  { { S(HELLO), "250" },
	    { S(MAIL "RCPT TO:<no@bounce.example>\r\nDATA\r\n"), "250 2.1.0,550 5.1.1,554 5.5.1" },
	    { S("RSET\r\n"), "250 2.0.0" } },
	  S("") },
	/* order */
	{ 0,
	  { { S(MAIL), "503 5.5.1" },
	    { S(HELLO), "250" },
	    { S(RCPT "DATA\r\n"), "503 5.5.1,503 5.5.1" },
	    { S(MAIL MAIL), "250 2.1.0,503 5.5.1" },
	    { S(HELLO), "250" },
	    { S(RCPT), "503 5.5.1" } },
	  S("") },
	/* arguments */
	{ 0,
	  { { S("EHLO\r\n"), "501 5.5.4" },
	    { S("EHLO a b\r\n"), "501 5.5.4" },
	    { S("HELO \xC3\xBC\r\n"), "501 5.5.4" },
	    { S("EHLO [192.0.2.1]\r\n"), "250" },
	    { S("RSET x\r\nDATA x\r\n"), "501 5.5.4,501 5.5.4" },
	    { S("QUIT now\r\n"), "501 5.5.4" } },
	  S("") },
	{ 0,
	  { { S(HELLO), "250" },
	    { S("MAIL FROM:<> FOO=bar\r\nMAIL FROM:<> SIZE=10485761\r\n"), "555 5.5.4,552 5.3.4" },
	    { S("MAIL FROM:<> SIZE=99999999999999999999\r\n"), "552 5.3.4" },
	    { S("MAIL FROM:<a@b.example> SIZE=10485760 SMTPUTF8\r\n"), "250 2.1.0" },
	    { S("RCPT TO:<ok\xC3\xBC@bounce.example>\r\nRCPT TO:<v@[127.0.0.1]>\r\n"),
	      "250 2.1.5,550 5.7.1" },
	    { S("RCPT TO:<a@b.example>x\r\n"), "501 5.1.3" } },
	  S("") },
	/* what is not there */
	{ 0,
	  { { S("HELP\r\n"), "502 5.5.1" },
	    { S("EXPN x\r\n"), "502 5.5.1" },
	    { S("VRFY x\r\n"), "252 2.5.2" },
	    { S("NOOP x\r\n"), "250 2.0.0" },
	    { S("XCLIENT a\r\nLHLO c.example\r\n"), "500 5.5.1,500 5.5.1" },
	    { S("BDAT 20 LAST\r\nMAIL FROM:<e@e.example>\r\n"), "502 5.5.1,close" } },
	  S("") },
	{ 0, { { S(START_TLS), "502 5.5.1" }, { S(AUTH_GOOD), "502 5.5.1" } }, S("") },
	/* TLS: what was said before it is forgotten, and it begins once */
	{ STARTTLS,
	  { { S(HELLO), "250" },
	    { S(MAIL RCPT), "250 2.1.0,250 2.1.5" },
	    { S(START_TLS), "220 2.0.0,tls" },
	    { S(MAIL), "503 5.5.1" },
	    { S(HELLO), "250" },
	    { S(RCPT "DATA\r\n"), "503 5.5.1,503 5.5.1" } },
	  S("") },
	{ STARTTLS,
	  { { S(START_TLS), "220 2.0.0,tls" },
	    { S(START_TLS), "503 5.5.1" },
	    { S("EHLO c.example\r\n"), "250" },
	    { S(BEGIN), R_BEGIN },
	    { S("x\r\n.\r\n"), "250 2.0.0" } },
	  S("x\r\n|") },
	{ STARTTLS, { { S(HELLO), "250" }, { S("STARTTLS now\r\n"), "501 5.5.4" } }, S("") },
	{ STARTTLS | WHOLE_ONLY,
	  { { S(HELLO), "250" }, { S(START_TLS RCPT), "554 5.5.0,close" } },
	  S("") },
	{ STARTTLS | WHOLE_ONLY, { { S(START_TLS "\x16"), "554 5.5.0,close" } }, S("") },
	{ STARTTLS | TLS_REQUIRED,
	  { { S(HELLO), "250" },
	    { S("NOOP\r\n"), "250 2.0.0" },
	    { S(MAIL RCPT "DATA\r\n"), "530 5.7.0,530 5.7.0,530 5.7.0" },
	    { S(START_TLS), "220 2.0.0,tls" },
	    { S(HELLO), "250" },
	    { S(MAIL "QUIT\r\n"), "250 2.1.0,221 2.0.0,close" } },
	  S("") },
	{ STARTTLS | TLS_REQUIRED, { { S("QUIT\r\n"), "221 2.0.0,close" } }, S("") },
	/* AUTH: over TLS, once, outside of transactions; then any recipient is taken */
	{ STARTTLS | AUTH,
	  { { S(HELLO), "250" },
	    { S(AUTH_GOOD), "538 5.7.1" }, /* cut short: 5.7.11 */
	    { S(MAIL), "530 5.7.0" },
	    { S(START_TLS), "220 2.0.0,tls" },
	    { S(AUTH_GOOD), "503 5.5.1" },
	    { S(HELLO), "250" } },
	  S("") },
	{ STARTTLS | AUTH,
	  { { S(START_TLS), "220 2.0.0,tls" },
	    { S(HELLO), "250" },
	    { S(AUTH_GOOD), "235 2.7.0" },
	    { S(AUTH_GOOD), "503 5.5.1" },
	    { S(MAIL "RCPT TO:<no@elsewhere.example>\r\nDATA\r\n"), R_BEGIN },
	    { S("x\r\n.\r\n"), "250 2.0.0" } },
	  S("x\r\n|") },
	{ STARTTLS | AUTH,
	  { { S(START_TLS), "220 2.0.0,tls" },
	    { S(HELLO), "250" },
	    { S("AUTH LOGIN\r\n"), "334" },
	    { S("a2V5\r\n"), "334" },
	    { S("Z29vZA==\r\n"), "235 2.7.0" },
	    { S(MAIL), "250 2.1.0" } },
	  S("") },
	{ STARTTLS | AUTH,
	  { { S(START_TLS), "220 2.0.0,tls" },
	    { S(HELLO), "250" },
	    { S("auth login a2V5\r\n"), "334" },
	    { S("YmFk\r\n"), "535 5.7.8" },
	    { S("AUTH plain\r\n"), "334" },
	    { S("AGtleQBnb29k\r\n"), "235 2.7.0" } },
	  S("") },
	{ STARTTLS | AUTH,
	  { { S(START_TLS), "220 2.0.0,tls" },
	    { S(HELLO), "250" },
	    { S(AUTH_BAD), "535 5.7.8" },
	    { S(MAIL), "530 5.7.0" },
	    { S(AUTH_BAD), "535 5.7.8" },
	    { S(AUTH_BAD), "421 4.7.0,close" } },
	  S("") },
	{ STARTTLS | AUTH,
	  { { S(START_TLS), "220 2.0.0,tls" },
	    { S(HELLO), "250" },
	    { S("AUTH PLAIN\r\n"), "334" },
	    { S("*\r\n"), "501 5.7.0" },
	    { S("AUTH PLAIN =\r\n"), "501 5.5.2" },
	    { S("AUTH CRAM-MD5\r\n"), "504 5.5.4" } },
	  S("") },
	/* a broken line ends the exchange, and what follows is commands again */
	{ STARTTLS | AUTH,
	  { { S(START_TLS), "220 2.0.0,tls" },
	    { S(HELLO), "250" },
	    { S("AUTH LOGIN\r\n"), "334" },
	    { S("a2V5\nNOOP\r\n"), "500 5.5.2" },
	    { S("NOOP\r\n"), "250 2.0.0" },
	    { S("AUTH LOGIN\r\n"), "334" } },
	  S("") },
	{ STARTTLS | AUTH,
	  { { S(START_TLS), "220 2.0.0,tls" },
	    { S(HELLO), "250" },
	    { S(MAIL), "530 5.7.0" },
	    { S(AUTH_GOOD), "235 2.7.0" },
	    { S(MAIL), "250 2.1.0" },
	    { S(AUTH_GOOD), "503 5.5.1" } },
	  S("") },
	{ STARTTLS | AUTH | WHOLE_ONLY,
	  { { S(START_TLS), "220 2.0.0,tls" },
	    { S(HELLO), "250" },
	    { S("AUTH LOGIN\r\n"), "334" },
	    { S("a2V5\r\nZ29vZA==\r\n"), "554 5.5.0,close" } },
	  S("") },
	/* LMTP: LHLO, and a reply for each recipient that was accepted */
	{ LMTP,
	  { { S(HELLO), "500 5.5.1" },
	    { S("HELO c.example\r\n"), "500 5.5.1" },
	    { S("LHLO c.example\r\n"), "250" },
	    { S(MAIL RCPT "RCPT TO:<no@bounce.example>\r\n" RCPT "DATA\r\n"),
	      "250 2.1.0,250 2.1.5,550 5.1.1,250 2.1.5,354" },
	    { S("x\r\n.\r\n" BEGIN), "250 2.0.0,250 2.0.0," R_BEGIN },
	    { S("y\r\n.\r\n"), "250 2.0.0" } },
	  S("x\r\n|y\r\n|") },
	{ LMTP,
	  { { S("LHLO c.example\r\n"), "250" }, { S(MAIL "DATA\r\n"), "250 2.1.0,503 5.5.1" } },
	  S("") },
	{ LMTP | REJECT_BARE,
	  { { S("LHLO c.example\r\n"), "250" },
	    { S(MAIL RCPT RCPT "DATA\r\n"), "250 2.1.0,250 2.1.5,250 2.1.5,354" },
	    { S("a\n.\n\r\n.\r\n"), "550 5.5.2,550 5.5.2,close" } },
	  S("") },
	{ LMTP | TINY,
	  { { S("LHLO c.example\r\n"), "250" },
	    { S(MAIL RCPT RCPT "DATA\r\n"), "250 2.1.0,250 2.1.5,250 2.1.5,354" },
	    { S("01234567890123456\r\n.\r\n"), "250 2.0.0,250 2.0.0" } },
	  S("01234567890123456\r\n|") },
	/* broken lines: answered once, and nothing in them is a command */
	{ 0,
	  { { S("\r\n"), "500 5.5.2" },
	    { S("EHLO x\nNOOP\r\n"), "500 5.5.2" },
	    { S("\nQUIT\nQUIT\r\n"), "500 5.5.2" },
	    { S("EHLO a\0b\r\n"), "500 5.5.2" },
	    { S("EHLO a\rQUIT\r\n"), "500 5.5.2" },
	    { S("NOOP\r\r\nNOOP\r\n"), "500 5.5.2,250 2.0.0" } },
	  S("") },
	{ 0,
	  { { S(HELLO), "250" },
	    { S("MAIL FROM:<a\0b@c.example>\r\n" MAIL), "500 5.5.2,250 2.1.0" },
	    { S("RCPT TO:<ok@bounce.example>\0<evil@x.example>\r\n"), "500 5.5.2" },
	    { S("RCPT TO:<ok@bounce.example>\nRCPT TO:<ok@x.example>\n\rx\r\n"), "500 5.5.2" },
	    { S("DATA\r\n"), "554 5.5.1" } },
	  S("") },
	/* other protocols */
	{ 0,
	  { { S("POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO x\r\n" MAIL), "421 4.7.0,close" } },
	  S("") },
	{ 0, { { S("GET / HTTP/1.0\r\n"), "421 4.7.0,close" } }, S("") },
	{ 0, { { S("\x16\x03\x01\x02"), "421 4.7.0,close" } }, S("") },
	{ 0, { { S("{\"a\":1}"), "421 4.7.0,close" } }, S("") },
	{ 0, { { S(HELLO), "250" }, { S("\0"), "421 4.7.0,close" } }, S("") },
	/* the client must wait for these replies (RFC 2920) */
	{ WHOLE_ONLY, { { S(HELLO MAIL), "554 5.5.0,close" } }, S("") },
	{ WHOLE_ONLY, { { S("HELO c.example\r\nM"), "554 5.5.0,close" } }, S("") },
	{ WHOLE_ONLY, { { S("NOOP\r\nNOOP\r\n"), "554 5.5.0,close" } }, S("") },
	{ WHOLE_ONLY, { { S("VRFY x\r\nNOOP\r\n"), "554 5.5.0,close" } }, S("") },
	{ WHOLE_ONLY, { { S("QUIT\r\nNOOP\r\n"), "554 5.5.0,close" } }, S("") },
	{ WHOLE_ONLY,
	  { { S(HELLO), "250" },
	    { S(BEGIN "Subject: x\r\n\r\nhi\r\n.\r\n"), "250 2.1.0,250 2.1.5,554 5.5.0,close" } },
	  S("") },
	/* without pipelining, for every reply */
	{ NO_PIPELINING,
	  { { S(HELLO), "250" },
	    { S(MAIL), "250 2.1.0" },
	    { S(RCPT), "250 2.1.5" },
	    { S("DATA\r\n"), "354" },
	    { S("x\r\n.\r\n"), "250 2.0.0" },
	    { S("QUIT\r\n"), "221 2.0.0,close" } },
	  S("x\r\n|") },
	{ NO_PIPELINING | WHOLE_ONLY,
	  { { S(HELLO), "250" },
	    { S(MAIL), "250 2.1.0" },
	    { S(RCPT), "250 2.1.5" },
	    { S("DATA\r\n"), "354" },
	    { S("x\r\n.\r\nQUIT\r\n"), "554 5.5.0,close" } },
	  S("") },
	{ NO_PIPELINING | WHOLE_ONLY,
	  { { S(HELLO), "250" }, { S(MAIL RCPT), "554 5.5.0,close" } },
	  S("") },
	/* CR, LF and NUL alone are data, or refused at the genuine end */
	{ 0,
	  { { S(HELLO), "250" },
	    { S(BEGIN), R_BEGIN },
	    { S("a\n.\nb\r.\rc\0\r\n.\r\n"), "250 2.0.0" } },
	  S("a\n.\nb\r.\rc\0\r\n|") },
	{ REJECT_BARE,
	  { { S(HELLO), "250" },
	    { S(BEGIN), R_BEGIN },
	    { S("a\n.\n" MAIL "\r\n.\r\n"), "550 5.5.2,close" } },
	  S("") },
	{ REJECT_BARE,
	  { { S(HELLO), "250" }, { S(BEGIN), R_BEGIN }, { S("a\r\n.\r\n"), "250 2.0.0" } },
	  S("a\r\n|") },
	/* sizes: 20 bytes are announced, 22 read */
	{ TINY,
	  { { S(HELLO), "250" },
	    { S("MAIL FROM:<> SIZE=21\r\n"), "552 5.3.4" },
	    { S(BEGIN), R_BEGIN },
	    { S("0123456789012345\r\n.\r\n"), "250 2.0.0" } },
	  S("0123456789012345\r\n|") },
	{ TINY,
	  { { S(HELLO), "250" },
	    { S(BEGIN), R_BEGIN },
	    { S("0123456789012345678901234"), "552 5.3.4,close" } },
	  S("") },
	{ TINY,
	  { { S(HELLO), "250" },
	    { S(BEGIN), R_BEGIN },
	    { S("0123456789\r\n.\r\n"), "250 2.0.0" },
	    { S(BEGIN), R_BEGIN },
	    { S("01234567890123456789\r\n.\r\n"), "552 5.3.4,close" } },
	  S("0123456789\r\n|") },
};

static struct smtp_settings settings_for(unsigned flags)
{
	struct smtp_settings settings = smtp_settings_default();

	settings.hostname = SLICE("mx.example");
	settings.pipelining = (flags & NO_PIPELINING) == 0;
	settings.reject_bare_eol = (flags & REJECT_BARE) != 0;
	settings.starttls = (flags & STARTTLS) != 0;
	settings.tls_required = (flags & TLS_REQUIRED) != 0;
	settings.auth = (flags & AUTH) != 0;
	settings.lmtp = (flags & LMTP) != 0;
	if (flags & TINY)
		settings.message_size = 20;
	return settings;
}

#define BYTEWISE SIZE_MAX

/* cut: of the bytes of all steps in a row, where a piece ends besides the steps' ends. */
static void hold(const struct dialogue *dialogue, size_t cut)
{
	struct smtp_settings settings = settings_for(dialogue->flags);
	struct client client;
	size_t start = 0;

	client_init(&client, &settings);
	offer(&client, SLICE_NONE);
	expect(&client, "220");
	for (size_t i = 0; i < 6 && dialogue->steps[i].expect != NULL; i++) {
		struct slice send = dialogue->steps[i].send;

		if (cut == BYTEWISE) {
			say_bytewise(&client, send);
		} else if (cut > start && cut < start + send.len) {
			offer(&client, slice_head(send, cut - start));
			offer(&client, slice_skip(send, cut - start));
		} else {
			offer(&client, send);
		}
		expect(&client, dialogue->steps[i].expect);
		start += send.len;
	}
	assert_true(slice_equal(buf_slice(&client.stored), dialogue->stored));
	client_done(&client);
}

static void test_dialogues(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(dialogues) / sizeof(dialogues[0]); i++) {
		const struct dialogue *dialogue = &dialogues[i];
		size_t len = 0;

		hold(dialogue, 0);
		if (dialogue->flags & WHOLE_ONLY)
			continue;
		for (size_t step = 0; step < 6; step++)
			len += dialogue->steps[step].send.len;
		for (size_t cut = 1; cut < len; cut++)
			hold(dialogue, cut);
		hold(dialogue, BYTEWISE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dialogues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
