/* SPDX-License-Identifier: Apache-2.0 */
/* The libevent shell with real sockets on loopback, server and clients in one thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/limits.h"
#include "core/timestamp.h"
#include "ingest/server.h"
#include "tests/certificates.h"
#include "tests/watched.h"

#define HELLO    "EHLO c.example\r\n"
#define ENVELOPE "MAIL FROM:<>\r\nRCPT TO:<ok@bounce.example>\r\nDATA\r\n"
/* For a condition to come true; reached only when a test fails. */
#define PATIENCE_MS 10000

static const struct smtp_reply ok = SMTP_REPLY(250, "2.0.0", "OK");

/* The server and the service behind it. */
struct world {
	struct event_base *base;
	struct server *server;
	struct server_options options;
	struct listener_options listener;
	uint16_t port;
	bool later; /* questions stay open until answer_all() */
	connection_id asked[8];
	unsigned asked_count;
	struct inbound *inbound; /* the last message */
	unsigned messages;
	unsigned idle_calls;
};

static void on_mail(void *context, connection_id id)
{
	struct world *world = context;

	server_answer(world->server, id, &ok);
}

static void on_rcpt(void *context, connection_id id, struct slice address)
{
	struct world *world = context;
	struct inbound_recipient recipient = { .address = address };

	server_answer_rcpt(world->server, id, &ok, &recipient);
}

static void on_message(void *context, connection_id id, struct inbound *inbound)
{
	struct world *world = context;

	inbound_free(world->inbound);
	world->inbound = inbound;
	world->messages++;
	if (world->later)
		world->asked[world->asked_count++] = id;
	else
		server_answer(world->server, id, &ok);
}

static void answer_all(struct world *world)
{
	for (unsigned i = 0; i < world->asked_count; i++)
		server_answer(world->server, world->asked[i], &ok);
	world->asked_count = 0;
}

static void on_idle(void *context)
{
	struct world *world = context;

	world->idle_calls++;
}

static void set_buffers(int fd, int size)
{
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static int listen_on_loopback(uint16_t *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	/* Accepted sockets inherit it: small enough for tests to fill. */
	set_buffers(fd, 16384);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void start(struct world *world)
{
	struct smtp_service service = {
		.context = world,
		.mail = on_mail,
		.rcpt = on_rcpt,
		.message = on_message,
	};

	world->server = server_new(world->base, &world->options, &service);
	server_listen(world->server, listen_on_loopback(&world->port), &world->listener);
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->base = event_base_new();
	world->listener.smtp = smtp_settings_default();
	world->options.max_connections = 16;
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	server_free(world->server);
	inbound_free(world->inbound);
	event_base_free(world->base);
	free(world);
	return 0;
}

static void turn(struct world *world)
{
	event_base_loop(world->base, EVLOOP_NONBLOCK);
	poll(NULL, 0, 1);
}

#define WAIT_UNTIL(world, condition)                                      \
	do {                                                              \
		int64_t deadline_ms_ = time_monotonic_ms() + PATIENCE_MS; \
		while (!(condition)) {                                    \
			if (time_monotonic_ms() > deadline_ms_)           \
				fail_msg("never: %s", #condition);        \
			turn(world);                                      \
		}                                                         \
	} while (0)

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct tls *test_tls(void)
{
	char folder[] = "/tmp/bd-XXXXXX";
	char certificate[64], key[64], error[200];
	struct tls *tls = tls_new();

	assert_non_null(mkdtemp(folder));
	snprintf(certificate, sizeof(certificate), "%s/crt", folder);
	snprintf(key, sizeof(key), "%s/key", folder);
	write_file(certificate, TEST_CERTIFICATE_1);
	write_file(key, TEST_KEY_1);
	assert_int_equal(tls_load(tls, certificate, key, error, sizeof(error)), OK);
	unlink(certificate);
	unlink(key);
	rmdir(folder);
	return tls;
}

/* -- clients -- */

struct client {
	int fd;
	struct buf heard;
	bool eof;
};

static struct client client_connect(struct world *world)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(world->port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct client client = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };

	buf_init(&client.heard, 1 << 24);
	assert_true(client.fd >= 0);
	assert_int_equal(connect(client.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	fcntl(client.fd, F_SETFL, O_NONBLOCK);
	return client;
}

static void client_done(struct client *client)
{
	close(client->fd);
	buf_done(&client->heard);
}

/* true when there was anything */
static bool client_hear(struct client *client)
{
	char bytes[4096];
	ssize_t count = recv(client->fd, bytes, sizeof(bytes), 0);

	/* A reset would be a lost reply. */
	assert_true(count >= 0 || errno == EAGAIN);
	client->eof = client->eof || count == 0;
	if (count > 0)
		buf_append(&client->heard, slice_from(bytes, (size_t)count));
	return count > 0;
}

static bool heard(struct client *client, const char *text)
{
	client_hear(client);
	return slice_find(buf_slice(&client->heard), slice_from_cstr(text)) >= 0;
}

static bool at_end(struct client *client)
{
	client_hear(client);
	return client->eof;
}

static void client_say(struct client *client, const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(send(client->fd, text, len, MSG_NOSIGNAL), len);
}

/* As much of bytes[*sent, len) as the socket takes now; true when that was all. */
static bool send_some(struct client *client, const char *bytes, size_t len, size_t *sent)
{
	ssize_t count = send(client->fd, bytes + *sent, len - *sent, MSG_NOSIGNAL);

	*sent += count > 0 ? (size_t)count : 0;
	return *sent == len;
}

/* Says something and waits for all of a reply. */
static void talk(struct world *world, struct client *client, const char *text, const char *reply)
{
	buf_reset(&client->heard);
	client_say(client, text);
	WAIT_UNTIL(world, heard(client, reply));
}

static struct client client_greeted(struct world *world)
{
	struct client client = client_connect(world);

	talk(world, &client, "", "220 ");
	talk(world, &client, HELLO, "250 ENH");
	return client;
}

/* -- tests -- */

static void test_takes_a_message(void **state)
{
	struct world *world = *state;

	start(world);
	struct client client = client_greeted(world);

	talk(world, &client, ENVELOPE, "250 2.0.0 OK\r\n250 2.0.0 OK\r\n354 ");
	talk(world, &client, "a\r\n..b\r\n.\r\n", "250 2.0.0 OK\r\n");
	assert_true(slice_equal(buf_slice(&world->inbound->raw), SLICE("a\r\n.b\r\n")));
	assert_true(slice_equal(world->inbound->peer, SLICE("127.0.0.1")));
	assert_int_equal(server_connection_count(world->server), 1);
	talk(world, &client, "QUIT\r\n", "221 ");
	WAIT_UNTIL(world, at_end(&client) && server_connection_count(world->server) == 0);
	client_done(&client);
}

static void test_takes_a_message_byte_by_byte(void **state)
{
	static const char dialogue[] = "a\n.\n\r\n.\r\r\n..\r\n.\r\nQUIT\r\n";
	struct world *world = *state;

	start(world);
	struct client client = client_greeted(world);

	talk(world, &client, ENVELOPE, "354 ");
	buf_reset(&client.heard);
	for (size_t i = 0; dialogue[i] != '\0'; i++) {
		assert_int_equal(send(client.fd, &dialogue[i], 1, MSG_NOSIGNAL), 1);
		turn(world);
	}
	WAIT_UNTIL(world, at_end(&client));
	assert_true(
		slice_equal(buf_slice(&client.heard), SLICE("250 2.0.0 OK\r\n221 2.0.0 Bye\r\n")));
	assert_true(slice_equal(buf_slice(&world->inbound->raw), SLICE("a\n.\n\r\n\r\r\n.\r\n")));
	client_done(&client);
}

static void test_answers_later(void **state)
{
	struct world *world = *state;

	world->later = true;
	start(world);
	struct client client = client_greeted(world);

	talk(world, &client, ENVELOPE, "354 ");
	buf_reset(&client.heard);
	/* the next group waits for its turn */
	client_say(&client, "x\r\n.\r\n" ENVELOPE);
	WAIT_UNTIL(world, world->asked_count == 1);
	client_say(&client, "y");
	for (int i = 0; i < 20; i++)
		turn(world);
	assert_false(heard(&client, "2"));
	answer_all(world);
	WAIT_UNTIL(world, heard(&client, "250 2.0.0 OK\r\n250 2.0.0 OK\r\n250 2.0.0 OK\r\n354 "));
	client_say(&client, "\r\n.\r\n");
	WAIT_UNTIL(world, world->asked_count == 1);
	assert_true(slice_equal(buf_slice(&world->inbound->raw), SLICE("y\r\n")));
	answer_all(world);
	client_done(&client);
	WAIT_UNTIL(world, server_connection_count(world->server) == 0);
}

static void test_client_gone_before_the_answer(void **state)
{
	struct world *world = *state;

	world->later = true;
	start(world);
	struct client client = client_greeted(world);

	talk(world, &client, ENVELOPE, "354 ");
	client_say(&client, "x\r\n.\r\n");
	WAIT_UNTIL(world, world->asked_count == 1);
	client_done(&client);
	for (int i = 0; i < 20; i++)
		turn(world);
	connection_id id = world->asked[0];

	answer_all(world);
	WAIT_UNTIL(world, server_connection_count(world->server) == 0);
	/* nobody is meant by it any more, nor by what never was */
	server_answer(world->server, id, &ok);
	server_answer(world->server, 0, &ok);
	struct client next = client_greeted(world);

	server_answer(world->server, id, &ok);
	server_answer_rcpt(world->server, id, &ok, NULL);
	talk(world, &next, "QUIT\r\n", "221 ");
	client_done(&next);
	assert_int_equal(world->messages, 1);
}

static void test_connection_limit(void **state)
{
	struct world *world = *state;

	world->options.max_connections = 1;
	start(world);
	struct client first = client_greeted(world);
	struct client second = client_connect(world);

	WAIT_UNTIL(world, heard(&second, "421 4.7.0 ") && at_end(&second));
	client_done(&second);
	client_done(&first);
	WAIT_UNTIL(world, server_connection_count(world->server) == 0);
	struct client third = client_greeted(world);

	client_done(&third);
}

static void test_talk_before_the_greeting(void **state)
{
	static const struct {
		const char *talk, *reply;
	} cases[] = {
		{ HELLO, "554 5.5.0 " },
		{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "421 4.7.0 " },
	};
	struct world *world = *state;

	start(world);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct client client = client_connect(world);

		/* the server did not yet have its turn */
		client_say(&client, cases[i].talk);
		WAIT_UNTIL(world, at_end(&client));
		assert_true(heard(&client, cases[i].reply));
		assert_false(heard(&client, "220"));
		client_done(&client);
	}
}

/* The last reply must arrive although the client goes on sending. */
static void test_flood_hears_why_it_is_closed(void **state)
{
	static char junk[300000];
	struct world *world = *state;
	size_t sent = 0;

	start(world);
	struct client client = client_greeted(world);

	memset(junk, 'A', sizeof(junk));
	WAIT_UNTIL(world, send_some(&client, junk, sizeof(junk), &sent));
	WAIT_UNTIL(world, at_end(&client));
	assert_true(heard(&client, "500 5.5.2 "));
	assert_true(heard(&client, "421 4.7.0 "));
	client_done(&client);
	WAIT_UNTIL(world, server_connection_count(world->server) == 0);
}

static void test_deadlines(void **state)
{
	struct world *world = *state;

	world->listener.smtp.command_ms = 100;
	world->listener.smtp.data_base_ms = 200;
	start(world);
	struct client idle = client_connect(world);
	struct client slow = client_greeted(world);

	talk(world, &slow, ENVELOPE, "354 ");
	client_say(&slow, "abc");
	WAIT_UNTIL(world, heard(&idle, "421 4.4.2 ") && at_end(&idle));
	WAIT_UNTIL(world, heard(&slow, "421 4.4.2 ") && at_end(&slow));
	client_done(&idle);
	client_done(&slow);
	WAIT_UNTIL(world, server_connection_count(world->server) == 0);
	assert_int_equal(world->messages, 0);
}

/* Sends commands whose replies fill all buffers; returns how many bytes of them were sent. */
static size_t stall(struct world *world, struct client *client, const struct buf *commands)
{
	size_t sent = 0, before;
	int unmoved = 0;

	set_buffers(client->fd, 16384);
	talk(world, client, "MAIL FROM:<>\r\n", "250 ");
	while (unmoved < 20) {
		before = sent;
		assert_false(send_some(client, commands->data, commands->len, &sent));
		unmoved = sent == before ? unmoved + 1 : 0;
		turn(world);
	}
	return sent;
}

#define STALL_COMMANDS 12000

static struct buf stalling_commands(void)
{
	struct buf commands;

	buf_init(&commands, 1 << 20);
	for (int i = 0; i < STALL_COMMANDS; i++)
		buf_append_cstr(&commands, "RCPT TO:<ok@b.example>\r\n");
	return commands;
}

/* Who never begins is cut without a word: a proxy without its header, a client without TLS. */
static void test_deadlines_before_the_session(void **state)
{
	static const struct ip_network loopback = { { { 127 }, false }, 8 };
	struct world *world = *state;
	struct tls *tls = test_tls();

	world->options.tls = tls;
	world->listener.smtp.command_ms = 100;
	world->listener.proxy_networks = &loopback;
	world->listener.proxy_network_count = 1;
	start(world);
	struct client silent = client_connect(world);
	struct client slow = client_connect(world);

	client_say(&slow, "PROXY TC");
	WAIT_UNTIL(world, at_end(&silent) && at_end(&slow));
	assert_int_equal(silent.heard.len + slow.heard.len, 0);
	client_done(&silent);
	client_done(&slow);

	world->listener.proxy_network_count = 0;
	world->listener.implicit_tls = true;
	server_listen(world->server, listen_on_loopback(&world->port), &world->listener);
	silent = client_connect(world);
	slow = client_connect(world);
	client_say(&slow, "\x16\x03\x01");
	WAIT_UNTIL(world, at_end(&silent) && at_end(&slow));
	assert_int_equal(silent.heard.len + slow.heard.len, 0);
	client_done(&silent);
	client_done(&slow);
	WAIT_UNTIL(world, server_connection_count(world->server) == 0);
	server_free(world->server);
	world->server = NULL;
	tls_free(tls);
}

/* Stopping waits for nobody who is not in a session yet. */
static void test_shutdown_before_the_session(void **state)
{
	struct world *world = *state;
	struct tls *tls = test_tls();

	world->options.tls = tls;
	world->listener.implicit_tls = true;
	start(world);
	struct client client = client_connect(world);

	WAIT_UNTIL(world, server_connection_count(world->server) == 1);
	server_shutdown(world->server, on_idle, world);
	assert_int_equal(world->idle_calls, 1);
	WAIT_UNTIL(world, at_end(&client));
	client_done(&client);
	server_free(world->server);
	world->server = NULL;
	tls_free(tls);
}

static void test_unread_replies_are_kept(void **state)
{
	struct world *world = *state;
	struct buf commands = stalling_commands();
	unsigned refused = 0;

	world->listener.smtp.max_recipients = 0; /* each RCPT: 452 */
	start(world);
	struct client client = client_greeted(world);
	size_t sent = stall(world, &client, &commands);

	buf_reset(&client.heard);
	WAIT_UNTIL(world,
		   (client_hear(&client), send_some(&client, commands.data, commands.len, &sent)));
	client_say(&client, "QUIT\r\n");
	WAIT_UNTIL(world, at_end(&client));
	struct slice rest = buf_slice(&client.heard), line;

	while (slice_next_line(&rest, &line))
		refused += slice_starts_with(line, SLICE("452 4.5.3"));
	assert_int_equal(refused, STALL_COMMANDS);
	assert_true(heard(&client, "221 "));
	client_done(&client);
	buf_done(&commands);
}

static void test_unread_replies_are_not_kept_for_ever(void **state)
{
	struct world *world = *state;
	struct buf commands = stalling_commands();

	world->listener.smtp.max_recipients = 0;
	world->options.output_ms = 1000;
	start(world);
	struct client client = client_greeted(world);
	int64_t started_ms = time_monotonic_ms();

	stall(world, &client, &commands);
	assert_int_equal(server_connection_count(world->server), 1);
	WAIT_UNTIL(world, server_connection_count(world->server) == 0);
	assert_true(time_monotonic_ms() - started_ms >= 1000);
	client_done(&client);
	buf_done(&commands);
}

static void set_fd_limit(rlim_t count)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = count;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void test_out_of_descriptors_pauses_and_resumes(void **state)
{
	struct world *world = *state;
	int filler[64], filler_count = 0;
	unsigned turns = 0;

	if (watched_by_valgrind())
		skip(); /* the limit of descriptors is its own */
	start(world);
	struct client old = client_greeted(world);
	struct client client = client_connect(world);

	set_fd_limit(64);
	while ((filler[filler_count] = dup(0)) >= 0)
		filler_count++;
	int64_t end_ms = time_monotonic_ms() + 350;

	for (; time_monotonic_ms() < end_ms; turns++) {
		event_base_loopexit(world->base, &(struct timeval){ .tv_usec = 500000 });
		event_base_loop(world->base, EVLOOP_ONCE);
	}
	/* each pause is a turn or two; a spinning loop makes thousands */
	assert_true(turns < 20);
	assert_false(heard(&client, "220"));
	/* who is in, is served */
	talk(world, &old, "NOOP\r\n", "250 ");
	while (filler_count > 0)
		close(filler[--filler_count]);
	WAIT_UNTIL(world, heard(&client, "220 "));
	set_fd_limit(1024);
	client_done(&client);
	client_done(&old);
}

static void test_some_descriptors_are_kept_free(void **state)
{
	struct world *world = *state;
	struct client clients[32];
	int count = 0, spare[16];

	set_fd_limit(64);
	world->options.max_connections = 1000;
	start(world);
	do {
		clients[count] = client_connect(world);
		WAIT_UNTIL(world, heard(&clients[count], "\r\n"));
		count++;
	} while (heard(&clients[count - 1], "220 "));
	assert_true(heard(&clients[count - 1], "421 4.7.0 "));
	for (int i = 0; i < 15; i++) {
		spare[i] = dup(0);
		assert_true(spare[i] >= 0);
	}
	for (int i = 0; i < 15; i++)
		close(spare[i]);
	while (count > 0)
		client_done(&clients[--count]);
	set_fd_limit(1024);
}

static void test_shutdown(void **state)
{
	struct world *world = *state;

	world->later = true;
	start(world);
	struct client idle = client_greeted(world);
	struct client in_data = client_greeted(world);
	struct client waiting = client_greeted(world);

	talk(world, &in_data, ENVELOPE, "354 ");
	talk(world, &waiting, ENVELOPE, "354 ");
	client_say(&waiting, "w\r\n.\r\n");
	WAIT_UNTIL(world, world->asked_count == 1);
	server_shutdown(world->server, on_idle, world);
	WAIT_UNTIL(world, heard(&idle, "421 4.3.2 ") && at_end(&idle));
	client_done(&idle);
	answer_all(world);
	WAIT_UNTIL(world, at_end(&waiting));
	assert_true(heard(&waiting, "250 2.0.0 OK\r\n421 4.3.2 "));
	client_done(&waiting);
	assert_int_equal(world->idle_calls, 0);
	client_say(&in_data, "d\r\n.\r\n");
	WAIT_UNTIL(world, world->asked_count == 1);
	answer_all(world);
	WAIT_UNTIL(world, at_end(&in_data));
	assert_true(heard(&in_data, "250 2.0.0 OK\r\n421 4.3.2 "));
	client_done(&in_data);
	WAIT_UNTIL(world, world->idle_calls == 1);
	assert_int_equal(world->messages, 2);
	assert_int_equal(server_connection_count(world->server), 0);
}

static void test_shutdown_when_idle(void **state)
{
	struct world *world = *state;

	start(world);
	server_shutdown(world->server, on_idle, world);
	assert_int_equal(world->idle_calls, 1);
}

/* Nothing leaks (AddressSanitizer looks) whatever the connections are at. */
static void test_free_cuts_what_is_left(void **state)
{
	struct world *world = *state;

	world->later = true;
	start(world);
	struct client idle = client_greeted(world);
	struct client in_data = client_greeted(world);
	struct client waiting = client_greeted(world);

	talk(world, &in_data, ENVELOPE, "354 ");
	client_say(&in_data, "abc");
	talk(world, &waiting, ENVELOPE, "354 ");
	client_say(&waiting, "w\r\n.\r\nNOOP\r\n");
	WAIT_UNTIL(world, world->asked_count == 1);
	turn(world);
	server_free(world->server);
	world->server = NULL;
	assert_true(at_end(&idle));
	client_done(&idle);
	client_done(&in_data);
	client_done(&waiting);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_takes_a_message),
		TEST(test_takes_a_message_byte_by_byte),
		TEST(test_answers_later),
		TEST(test_client_gone_before_the_answer),
		TEST(test_connection_limit),
		TEST(test_talk_before_the_greeting),
		TEST(test_flood_hears_why_it_is_closed),
		TEST(test_deadlines),
		TEST(test_deadlines_before_the_session),
		TEST(test_unread_replies_are_kept),
		TEST(test_unread_replies_are_not_kept_for_ever),
		TEST(test_out_of_descriptors_pauses_and_resumes),
		TEST(test_some_descriptors_are_kept_free),
		TEST(test_shutdown),
		TEST(test_shutdown_when_idle),
		TEST(test_shutdown_before_the_session),
		TEST(test_free_cuts_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
