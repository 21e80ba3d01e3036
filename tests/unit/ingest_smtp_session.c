/* SPDX-License-Identifier: Apache-2.0 */
/* The SMTP machine's limits, deadlines, questions and shutdown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/limits.h"
#include "tests/smtp_client.h"

static void expect(struct client *client, const char *replies)
{
	struct slice got = buf_slice(&client->replies);

	if (!slice_equal(got, slice_from_cstr(replies)))
		fail_msg("got \"%.*s\", want \"%s\"", SLICE_ARG(got), replies);
	buf_reset(&client->replies);
}

static void greet(struct client *client)
{
	offer(client, SLICE_NONE);
	expect(client, "220");
}

static void repeat(struct client *client, const char *text, int times)
{
	for (int i = 0; i < times; i++)
		say(client, text);
}

static struct smtp_settings default_settings(void)
{
	struct smtp_settings settings = smtp_settings_default();

	settings.hostname = SLICE("mx.example");
	return settings;
}

static void test_words_of_the_greeting(void **state)
{
	struct smtp_settings settings = default_settings();

	(void)state;
	for (int pipelining = 0; pipelining < 2; pipelining++) {
		settings.pipelining = pipelining == 1;
		struct client client;

		client_init(&client, &settings);
		struct buf *output = smtp_session_output(client.session);

		smtp_session_next(client.session);
		assert_true(
			slice_equal(buf_slice(output), SLICE("220 mx.example ESMTP bounced\r\n")));
		buf_reset(output);
		smtp_session_input(client.session, SLICE(HELLO), 0, 0);
		assert_true(slice_equal(
			buf_slice(output),
			pipelining
				? SLICE("250-mx.example\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n"
					"250-8BITMIME\r\n250-SMTPUTF8\r\n"
					"250 ENHANCEDSTATUSCODES\r\n")
				: SLICE("250-mx.example\r\n250-SIZE 10485760\r\n"
					"250-8BITMIME\r\n250-SMTPUTF8\r\n"
					"250 ENHANCEDSTATUSCODES\r\n")));
		client_done(&client);
	}
}

static void test_talk_before_the_greeting(void **state)
{
	static const struct {
		const char *talk, *expect;
	} cases[] = {
		{ "EHLO x\r\n", "554 5.5.0,close" },
		{ "E", "554 5.5.0,close" },
		{ "GET / HTTP/1.1\r\n", "421 4.7.0,close" },
		{ "\x16\x03", "421 4.7.0,close" },
	};
	struct smtp_settings settings = default_settings();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct client client;

		client_init(&client, &settings);

		say(&client, cases[i].talk);
		expect(&client, cases[i].expect);
		client_done(&client);
	}
}

static void test_envelope(void **state)
{
	struct smtp_settings settings = default_settings();

	(void)state;
	struct client client;

	client_init(&client, &settings);
	greet(&client);
	say(&client, "EHLO [192.0.2.9]\r\n");
	say(&client, "MAIL FROM:<a@b.example> SMTPUTF8 BODY=8BITMIME\r\n"
		     "RCPT TO:<ok1@bounce.example>\r\nRCPT TO:<no@bounce.example>\r\n"
		     "RCPT TO:<ok2@bounce.example>\r\nRCPT TO:<ok3@bounce.example>\r\nDATA\r\n");
	say(&client, "Subject: x\r\n\r\na\nb\r\n.\r\n");
	const struct inbound *inbound = client.last;

	assert_int_equal(inbound->received_at, UNIX_MS);
	assert_true(slice_equal(inbound->source, SLICE("smtp")));
	assert_true(slice_equal(inbound->listener, SLICE("smtp")));
	assert_true(slice_equal(inbound->peer, SLICE("192.0.2.7")));
	assert_true(slice_equal(inbound->helo, SLICE("[192.0.2.9]")));
	assert_true(slice_empty(inbound->tls));
	assert_true(slice_equal(inbound->mail_from, SLICE("a@b.example")));
	assert_true(inbound->smtputf8);
	assert_true(inbound->bare_eol);
	assert_int_equal(inbound->recipient_count, 3);
	assert_true(slice_equal(inbound->recipients[0].address, SLICE("ok1@bounce.example")));
	assert_true(slice_equal(inbound->recipients[2].address, SLICE("ok3@bounce.example")));
	assert_int_equal(inbound->recipients[2].account_id, 7);
	client_done(&client);
}

static void test_line_lengths(void **state)
{
	struct smtp_settings settings = default_settings();
	char line[LIMIT_COMMAND_LINE + 2];

	(void)state;
	for (size_t len = LIMIT_COMMAND_LINE - 1; len <= LIMIT_COMMAND_LINE + 1; len++) {
		struct slice text = slice_from(line, len);

		memset(line, 'A', len);
		memcpy(line, "NOOP ", 5);
		memcpy(line + len - 2, "\r\n", 2);
		for (int bytewise = 0; bytewise < 2; bytewise++) {
			struct client client;

			client_init(&client, &settings);
			greet(&client);
			if (bytewise)
				say_bytewise(&client, text);
			else
				offer(&client, text);
			expect(&client, len <= LIMIT_COMMAND_LINE ? "250 2.0.0" : "500 5.5.2");
			say(&client, "NOOP\r\n");
			expect(&client, "250 2.0.0");
			client_done(&client);
		}
	}
}

static void test_junk_budget(void **state)
{
	struct smtp_settings settings = default_settings();
	size_t len = LIMIT_COMMAND_LINE + LIMIT_COMMAND_JUNK;
	char *junk = malloc(len + 1);

	(void)state;
	assert_non_null(junk);
	memset(junk, 'A', len + 1);
	for (size_t piece = 1; piece <= len; piece = piece * 40 + 1) {
		struct client client;

		client_init(&client, &settings);
		greet(&client);
		for (size_t at = 0; at < len; at += piece)
			offer(&client, slice_from(junk + at, len - at < piece ? len - at : piece));
		expect(&client, "500 5.5.2");
		say(&client, "A");
		expect(&client, "421 4.7.0,close");
		client_done(&client);
	}
	free(junk);
}

static void test_error_budget(void **state)
{
	struct smtp_settings settings = default_settings();

	(void)state;
	settings.max_errors = 3;
	struct client client;

	client_init(&client, &settings);
	greet(&client);
	say(&client, HELLO);
	say(&client, MAIL "RCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\n"
			  "RCPT TO:<c@x.example>\r\nRCPT TO:<ok@x.example>\r\n");
	expect(&client, "250,250 2.1.0,550 5.1.1,550 5.1.1,421 4.7.0,close");
	client_done(&client);
}

static void test_idle_commands_become_errors(void **state)
{
	struct smtp_settings settings = default_settings();

	(void)state;
	settings.max_errors = 2;
	struct client client;

	client_init(&client, &settings);
	greet(&client);
	say(&client, HELLO);
	expect(&client, "250");
	repeat(&client, "RSET\r\n", LIMIT_SESSION_IDLE_COMMANDS);
	/* a message pays for what came before it */
	say(&client, BEGIN);
	say(&client, "x\r\n.\r\n");
	repeat(&client, "NOOP\r\n", LIMIT_SESSION_IDLE_COMMANDS);
	buf_reset(&client.replies);
	say(&client, "RSET\r\n");
	expect(&client, "250 2.0.0");
	say(&client, "VRFY x\r\n");
	expect(&client, "421 4.7.0,close");
	client_done(&client);
}

/* So does beginning anew, again and again. */
static void test_greetings_become_errors(void **state)
{
	struct smtp_settings settings = default_settings();
	struct client client;

	(void)state;
	settings.max_errors = 2;
	client_init(&client, &settings);
	greet(&client);
	repeat(&client, HELLO, 1 + LIMIT_SESSION_IDLE_COMMANDS);
	buf_reset(&client.replies);
	say(&client, "HELO c.example\r\n");
	expect(&client, "250");
	say(&client, HELLO);
	expect(&client, "421 4.7.0,close");
	client_done(&client);
}

static void test_recipient_and_message_limits(void **state)
{
	struct smtp_settings settings = default_settings();

	(void)state;
	settings.max_recipients = 2;
	settings.max_messages = 1;
	struct client client;

	client_init(&client, &settings);
	greet(&client);
	say(&client, HELLO);
	say(&client, MAIL RCPT RCPT RCPT "DATA\r\n");
	expect(&client, "250,250 2.1.0,250 2.1.5,250 2.1.5,452 4.5.3,354");
	say(&client, "x\r\n.\r\n" MAIL);
	expect(&client, "250 2.0.0,421 4.7.0,close");
	client_done(&client);
}

static void test_refused_admission_begins_nothing(void **state)
{
	static const struct smtp_reply later = SMTP_REPLY(451, "4.3.0", "later");
	static const struct smtp_reply gone = SMTP_REPLY(421, "4.3.2", "gone");
	struct smtp_settings settings = default_settings();

	(void)state;
	struct client client;

	client_init(&client, &settings);
	greet(&client);
	say(&client, HELLO);
	client.admission = &later;
	say(&client, MAIL RCPT "DATA\r\n");
	expect(&client, "250,451 4.3.0,503 5.5.1,503 5.5.1");
	assert_int_equal(client.delays, 0); /* what was pipelined behind it is no error */
	say(&client, "DATA\r\n");
	expect(&client, "503 5.5.1");
	assert_int_equal(client.delays, 1);
	client.admission = &gone;
	say(&client, MAIL RCPT);
	expect(&client, "421 4.3.2,close");
	client_done(&client);
}

static void test_waits_for_the_answer(void **state)
{
	static const struct smtp_reply later = SMTP_REPLY(451, "4.3.0", "a\r\nb\xFFz");
	struct smtp_settings settings = default_settings();

	(void)state;
	struct client client;

	client_init(&client, &settings);
	client.hold = true;
	greet(&client);
	say(&client, HELLO);
	say(&client, BEGIN);
	buf_reset(&client.replies);
	say(&client, "x\r\n.\r\n");
	expect(&client, "");
	assert_int_equal(smtp_session_input(client.session, SLICE("QUIT\r\n"), 0, 0), 0);
	assert_int_equal(smtp_session_next(client.session), SMTP_ASK_MESSAGE);
	assert_int_equal(smtp_session_deadline(client.session), INT64_MAX);
	assert_false(smtp_session_idle(client.session));
	answer_message(&client, &later);
	/* whatever a reply's text holds, it is one line */
	assert_true(slice_equal(buf_slice(smtp_session_output(client.session)),
				SLICE("451 4.3.0 a??b?z\r\n")));
	buf_reset(smtp_session_output(client.session));
	assert_true(smtp_session_idle(client.session));
	say(&client, "QUIT\r\n");
	expect(&client, "221 2.0.0,close");
	assert_true(smtp_session_quit(client.session));
	client_done(&client);
}

static void test_deadlines(void **state)
{
	struct smtp_settings settings = default_settings();

	(void)state;
	settings.command_ms = 60;
	settings.data_base_ms = 100;
	settings.data_bytes_per_s = 1000;
	settings.data_max_ms = 110;
	settings.session_ms = 5000;
	struct client client;

	client_init(&client, &settings);
	greet(&client);
	assert_int_equal(smtp_session_deadline(client.session), 1060);
	/* bytes that are no whole command buy no time */
	client.now_ms = 1030;
	say(&client, "EHLO");
	assert_int_equal(smtp_session_deadline(client.session), 1060);
	say(&client, " c.example\r\n");
	assert_int_equal(smtp_session_deadline(client.session), 1090);
	client.now_ms = 1050;
	say(&client, BEGIN);
	assert_int_equal(smtp_session_deadline(client.session), 1150);
	client.now_ms = 1060;
	say(&client, "12345678");
	assert_int_equal(smtp_session_deadline(client.session), 1158);
	say(&client, "12345678");
	assert_int_equal(smtp_session_deadline(client.session), 1160);
	client.now_ms = 5970;
	say(&client, "\r\n.\r\n");
	assert_int_equal(smtp_session_deadline(client.session), 6000);
	buf_reset(&client.replies);
	smtp_session_timeout(client.session, 6000);
	say(&client, "NOOP\r\n");
	expect(&client, "421 4.4.2,close");
	assert_int_equal(smtp_session_deadline(client.session), INT64_MAX);
	client_done(&client);
}

static void test_junk_buys_no_time(void **state)
{
	struct smtp_settings settings = default_settings();

	(void)state;
	struct client client;

	client_init(&client, &settings);
	greet(&client);
	int64_t deadline = smtp_session_deadline(client.session);

	client.now_ms += 10;
	say(&client, "NOOP\nNOOP\n");
	assert_int_equal(smtp_session_deadline(client.session), deadline);
	client_done(&client);
}

/* After an error nothing is read for a while, unless the service has no time for that. */
static void test_errors_are_followed_by_a_rest(void **state)
{
	struct smtp_settings settings = default_settings();
	struct client client;

	(void)state;
	client_init(&client, &settings);
	client.hold_delays = true;
	greet(&client);
	say(&client, HELLO);
	expect(&client, "250");
	size_t used = smtp_session_input(client.session, SLICE("FOO\r\nRSET\r\n"), client.now_ms,
					 UNIX_MS);

	assert_int_equal(used, strlen("FOO\r\n"));
	assert_int_equal(smtp_session_next(client.session), SMTP_DELAY);
	assert_int_equal(smtp_session_deadline(client.session),
			 client.now_ms + LIMIT_ERROR_DELAY_MS);
	read_replies(&client);
	expect(&client, "500 5.5.1"); /* not held back */
	assert_int_equal(smtp_session_input(client.session, SLICE("RSET\r\n"), client.now_ms, 0),
			 0);
	smtp_session_resume(client.session, client.now_ms + LIMIT_ERROR_DELAY_MS);
	say(&client, "RSET\r\n");
	expect(&client, "250 2.0.0");

	say(&client, "MAIL FROM:<>\r\n");
	expect(&client, "250 2.1.0");
	say(&client, "RCPT TO:<nobody@bounce.example>\r\n"); /* the service's errors count too */
	expect(&client, "550 5.1.1");
	assert_int_equal(client.delays, 1);
	smtp_session_resume(client.session, client.now_ms);

	smtp_session_set_stressed(client.session, true);
	say(&client, "FOO\r\nRSET\r\n");
	expect(&client, "500 5.5.1,250 2.0.0");
	assert_int_equal(client.delays, 1);
	client_done(&client);
}

/* A session that rests is none that may stay. */
static void test_shutdown_ends_a_rest(void **state)
{
	struct smtp_settings settings = default_settings();
	struct client client;

	(void)state;
	client_init(&client, &settings);
	client.hold_delays = true;
	greet(&client);
	say(&client, "FOO\r\n");
	expect(&client, "500 5.5.1");
	smtp_session_shutdown(client.session);
	assert_int_equal(smtp_session_next(client.session), SMTP_CLOSE);
	read_replies(&client);
	expect(&client, "421 4.3.2");
	client_done(&client);
}

static void test_stress_shortens_commands_alone(void **state)
{
	struct smtp_settings settings = default_settings();
	struct client client;

	(void)state;
	client_init(&client, &settings);
	greet(&client);
	assert_int_equal(smtp_session_deadline(client.session), client.now_ms + LIMIT_COMMAND_MS);
	smtp_session_set_stressed(client.session, true);
	assert_int_equal(smtp_session_deadline(client.session),
			 client.now_ms + LIMIT_STRESS_COMMAND_MS);
	say(&client, HELLO);
	say(&client, BEGIN);
	assert_int_equal(smtp_session_deadline(client.session), client.now_ms + LIMIT_DATA_BASE_MS);
	smtp_session_set_stressed(client.session, false);
	say(&client, ".\r\n");
	assert_int_equal(smtp_session_deadline(client.session), client.now_ms + LIMIT_COMMAND_MS);
	client_done(&client);
}

static void test_refused_before_the_greeting(void **state)
{
	static const struct smtp_reply full = SMTP_REPLY(421, "4.7.0", "full");
	struct smtp_settings settings = default_settings();
	struct client client;

	(void)state;
	client_init(&client, &settings);
	smtp_session_refuse(client.session, &full);
	offer(&client, SLICE(HELLO));
	expect(&client, "421 4.7.0,close");
	client_done(&client);
}

#define LINE_10     "0123456789"
#define LINE_100    LINE_10 LINE_10 LINE_10 LINE_10 LINE_10 LINE_10 LINE_10 LINE_10 LINE_10 LINE_10
#define THREE_RCPTS RCPT RCPT RCPT

static void test_refusals_are_counted(void **state)
{
	static const struct {
		const char *talk; /* behind EHLO */
		enum refusal refusal;
	} cases[] = {
		{ "NOOP\r\nNOOP\r\n", REFUSED_SYNCHRONIZATION },
		{ "GET / HTTP/1.1\r\n", REFUSED_FOREIGN },
		{ "\x16\x03\x01", REFUSED_FOREIGN },
		{ "A\r\nB\r\nC\r\n", REFUSED_ERRORS },
		{ BEGIN "\r\n.\r\n" MAIL, REFUSED_MESSAGES },
		{ MAIL THREE_RCPTS, REFUSED_RECIPIENTS },
		{ "MAIL FROM:<> SIZE=101\r\n", REFUSED_SIZE },
		{ BEGIN LINE_100 "\r\n.\r\n", REFUSED_SIZE },
		{ BEGIN LINE_100 LINE_100, REFUSED_SIZE },
	};
	struct smtp_settings settings = default_settings();

	(void)state;
	settings.max_errors = 3;
	settings.max_messages = 1;
	settings.max_recipients = 2;
	settings.message_size = 100;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct refusal_counters counters = { 0 };
		struct slice talk = slice_from_cstr(cases[i].talk);
		struct client client;

		settings.refusals = &counters;
		client_init(&client, &settings);
		greet(&client);
		say(&client, HELLO);
		/* The client waits for 354, as it must. */
		ptrdiff_t data = slice_find(talk, SLICE("DATA\r\n"));

		if (data >= 0) {
			offer(&client, slice_head(talk, (size_t)data + 6));
			talk = slice_skip(talk, (size_t)data + 6);
		}
		offer(&client, talk);
		for (unsigned cause = 0; cause < REFUSAL_COUNT; cause++)
			assert_int_equal(refusal_read(&counters, (enum refusal)cause),
					 cause == cases[i].refusal);
		client_done(&client);
	}
}

static void test_shutdown(void **state)
{
	struct smtp_settings settings = default_settings();

	(void)state;
	{ /* idle: at once */
		struct client client;

		client_init(&client, &settings);
		greet(&client);
		smtp_session_shutdown(client.session);
		offer(&client, SLICE_NONE);
		expect(&client, "421 4.3.2,close");
		client_done(&client);
	}
	{ /* in a transaction: at the next command */
		struct client client;

		client_init(&client, &settings);
		greet(&client);
		say(&client, HELLO);
		say(&client, MAIL);
		smtp_session_shutdown(client.session);
		buf_reset(&client.replies);
		offer(&client, SLICE_NONE);
		expect(&client, "");
		say(&client, RCPT);
		expect(&client, "421 4.3.2,close");
		client_done(&client);
	}
	{ /* in DATA: behind the message */
		struct client client;

		client_init(&client, &settings);
		greet(&client);
		say(&client, HELLO);
		say(&client, BEGIN);
		smtp_session_shutdown(client.session);
		buf_reset(&client.replies);
		say(&client, "x\r\n.\r\n");
		expect(&client, "250 2.0.0,421 4.3.2,close");
		assert_true(slice_equal(buf_slice(&client.stored), SLICE("x\r\n|")));
		client_done(&client);
	}
}

static void test_oversize_keeps_no_memory(void **state)
{
	struct smtp_settings settings = default_settings();
	struct slice line = SLICE("0123456789012345678901234567890123456789012345678\r\n");

	(void)state;
	settings.message_size = 1000;
	struct client client;

	client_init(&client, &settings);
	greet(&client);
	say(&client, HELLO);
	say(&client, BEGIN);
	buf_reset(&client.replies);
	for (size_t i = 0; i < 21; i++) /* 1,071 bytes: within the tenth that is read */
		offer(&client, line);
	expect(&client, "");
	say(&client, ".\r\n");
	expect(&client, "552 5.3.4");
	/* the session goes on */
	say(&client, BEGIN);
	say(&client, "x\r\n.\r\n");
	expect(&client, "250 2.1.0,250 2.1.5,354,250 2.0.0");
	assert_true(slice_equal(buf_slice(&client.stored), SLICE("x\r\n|")));
	client_done(&client);
}

/* A large message that finds no room leaves none behind; a small one is kept in any case. */
static void test_too_much_in_flight(void **state)
{
	struct slice line = SLICE("0123456789012345678901234567890123456789012345678\r\n");
	struct in_flight in_flight = { .waiting = 50, .max = 110, .share = 10 };
	struct smtp_settings settings = default_settings();
	struct refusal_counters counters = { 0 };
	struct client clients[3];

	(void)state;
	settings.in_flight = &in_flight;
	settings.refusals = &counters;
	for (size_t i = 0; i < 3; i++) {
		client_init(&clients[i], &settings);
		greet(&clients[i]);
		say(&clients[i], HELLO);
		say(&clients[i], BEGIN);
		buf_reset(&clients[i].replies);
	}
	offer(&clients[0], line);
	assert_int_equal(in_flight.receiving, 51);
	offer(&clients[1], line);
	assert_int_equal(in_flight.receiving, 51);
	offer(&clients[2], SLICE("0123456\r\n"));
	assert_int_equal(in_flight.receiving, 60);
	say(&clients[0], ".\r\n");
	say(&clients[2], ".\r\n");
	expect(&clients[0], "250 2.0.0");
	expect(&clients[2], "250 2.0.0");
	assert_int_equal(in_flight.receiving, 0);
	/* nothing of it is kept, though there is room again */
	say(&clients[1], "more\r\n.\r\n");
	expect(&clients[1], "452 4.3.1");
	assert_int_equal(in_flight.receiving, 0);
	assert_int_equal(refusal_read(&counters, REFUSED_IN_FLIGHT), 1);
	/* the session goes on */
	say(&clients[1], BEGIN);
	say(&clients[1], "x\r\n");
	assert_int_equal(in_flight.receiving, 3);
	for (size_t i = 0; i < 3; i++)
		client_done(&clients[i]);
	assert_int_equal(in_flight.receiving, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_of_the_greeting),
		cmocka_unit_test(test_talk_before_the_greeting),
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_line_lengths),
		cmocka_unit_test(test_junk_budget),
		cmocka_unit_test(test_error_budget),
		cmocka_unit_test(test_idle_commands_become_errors),
		cmocka_unit_test(test_greetings_become_errors),
		cmocka_unit_test(test_recipient_and_message_limits),
		cmocka_unit_test(test_refused_admission_begins_nothing),
		cmocka_unit_test(test_waits_for_the_answer),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_junk_buys_no_time),
		cmocka_unit_test(test_errors_are_followed_by_a_rest),
		cmocka_unit_test(test_shutdown_ends_a_rest),
		cmocka_unit_test(test_stress_shortens_commands_alone),
		cmocka_unit_test(test_refused_before_the_greeting),
		cmocka_unit_test(test_refusals_are_counted),
		cmocka_unit_test(test_shutdown),
		cmocka_unit_test(test_oversize_keeps_no_memory),
		cmocka_unit_test(test_too_much_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
