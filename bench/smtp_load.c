/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends the messages of a spool file to an SMTP server over N sessions at once and prints, as one
 *JSON object, how fast they were acknowledged.
 *
 *	smtp_load PORT SESSIONS PER_SESSION SPOOL
 *
 * A session sends PER_SESSION messages with MAIL, RCPT and DATA in one segment, then QUIT, and
 * another begins in its place until every message was sent once. A message counts when its
 * end-of-data was answered with 250; anything else is `refused` and not sent again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/spool.h"
#include "core/arena.h"
#include "core/slice.h"

#define INPUT_SIZE   4096
#define COMMAND_SIZE 512
#define EVENTS       64

enum phase { GREETING, HELLO, MAIL, RCPT, DATA, BODY, QUIT };

struct session {
	int fd; /* -1: ended */
	enum phase phase;
	unsigned sent;        /* messages of this connection */
	bool refused;         /* the message under way was refused before its body */
	double body_at;       /* when the body was handed to the kernel */
	struct slice pending; /* still to be written */
	bool writing;         /* EPOLLOUT is asked for */
	const struct spool_message *message;
	size_t input_len;
	char input[INPUT_SIZE];
	char command[COMMAND_SIZE];
};

struct load {
	int epoll;
	uint16_t port;
	unsigned per_session;
	struct spool spool;
	size_t next; /* the next message to send */
	size_t open; /* living sessions */
	size_t acknowledged;
	size_t refused;
	double *waits; /* seconds from end-of-data to 250 */
};

static void watch(struct load *load, struct session *session, int operation, bool writing)
{
	struct epoll_event event = { .events = EPOLLIN | (writing ? (uint32_t)EPOLLOUT : 0),
				     .data.ptr = session };
	if (epoll_ctl(load->epoll, operation, session->fd, &event) < 0)
		die("epoll_ctl", strerror(errno));
	session->writing = writing;
}

static void session_open(struct load *load, struct session *session)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(load->port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;
	*session = (struct session){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	if (session->fd < 0 ||
	    connect(session->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("connect", strerror(errno));
	setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fcntl(session->fd, F_SETFL, O_NONBLOCK);
	watch(load, session, EPOLL_CTL_ADD, false);
	load->open++;
}

static void session_close(struct load *load, struct session *session)
{
	close(session->fd);
	session->fd = -1;
	load->open--;
	if (load->next < load->spool.count)
		session_open(load, session);
}

/* Writes what the kernel takes, and watches for room when it does not take all. */
static void session_write(struct load *load, struct session *session)
{
	while (session->pending.len) {
		ssize_t written = write(session->fd, session->pending.ptr, session->pending.len);
		if (written < 0 && errno == EAGAIN)
			break;
		if (written < 0)
			die("write", strerror(errno));
		session->pending = slice_skip(session->pending, (size_t)written);
	}
	bool writing = session->pending.len > 0;
	if (writing != session->writing)
		watch(load, session, EPOLL_CTL_MOD, writing);
}

static void session_say(struct load *load, struct session *session, struct slice text)
{
	session->pending = text;
	session_write(load, session);
}

/* The next message, or QUIT when this session or the spool is at its end. */
static void session_next_message(struct load *load, struct session *session)
{
	if (session->sent == load->per_session || load->next == load->spool.count) {
		session->phase = QUIT;
		session_say(load, session, SLICE("QUIT\r\n"));
		return;
	}
	session->message = &load->spool.messages[load->next++];
	session->sent++;
	session->refused = false;
	session->phase = MAIL;
	int len = snprintf(session->command, sizeof(session->command),
			   "MAIL FROM:<>\r\nRCPT TO:<%.*s>\r\nDATA\r\n",
			   SLICE_ARG(session->message->recipient));
	session_say(load, session, slice_from(session->command, (size_t)len));
}

/* Says so of the first one only. */
static void note_refusal(struct load *load, struct slice reply)
{
	if (load->refused++ == 0)
		fprintf(stderr, "refused: %.*s\n", SLICE_ARG(reply));
}

/* One complete reply. false when the session was closed or replaced. */
static bool session_reply(struct load *load, struct session *session, struct slice reply)
{
	char class_ = reply.ptr[0];
	switch (session->phase) {
	case GREETING:
		if (class_ != '2')
			die("greeting", "not 220");
		session->phase = HELLO;
		session_say(load, session, SLICE("EHLO load.example\r\n"));
		return true;
	case HELLO:
		session_next_message(load, session);
		return true;
	case MAIL:
	case RCPT:
		if (class_ != '2' && !session->refused) {
			note_refusal(load, reply);
			session->refused = true;
		}
		session->phase = session->phase == MAIL ? RCPT : DATA;
		return true;
	case DATA:
		if (class_ != '3' || session->refused) {
			if (!session->refused)
				note_refusal(load, reply);
			session_close(load, session);
			return false;
		}
		session->phase = BODY;
		session->body_at = seconds_now();
		session_say(load, session, session->message->wire);
		return true;
	case BODY:
		if (class_ != '2') {
			note_refusal(load, reply);
			session_close(load, session);
			return false;
		}
		load->waits[load->acknowledged++] = seconds_now() - session->body_at;
		session_next_message(load, session);
		return true;
	case QUIT:
		break;
	}
	session_close(load, session);
	return false;
}

static void session_read(struct load *load, struct session *session)
{
	ssize_t received = read(session->fd, session->input + session->input_len,
				INPUT_SIZE - session->input_len);
	if (received < 0 && errno == EAGAIN)
		return;
	if (received <= 0) {
		if (session->phase != QUIT)
			die("read", received < 0 ? strerror(errno) : "the server closed");
		session_close(load, session);
		return;
	}
	session->input_len += (size_t)received;
	struct slice rest = slice_from(session->input, session->input_len);
	ptrdiff_t end;
	while ((end = slice_find_byte(rest, '\n')) >= 0) {
		struct slice line = slice_head(rest, (size_t)end);
		rest = slice_skip(rest, (size_t)end + 1);
		if (line.len > 3 && line.ptr[3] != '-' && !session_reply(load, session, line))
			return;
	}
	memmove(session->input, rest.ptr, rest.len);
	session->input_len = rest.len;
}

static int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;
	return (left > right) - (left < right);
}

static void print_result(struct load *load, double seconds)
{
	size_t count = load->acknowledged;
	qsort(load->waits, count, sizeof(*load->waits), compare_doubles);
	printf("{\"messages\":%zu,\"refused\":%zu,\"seconds\":%.3f,\"rate\":%.1f,"
	       "\"p50_ms\":%.2f,\"p99_ms\":%.2f}\n",
	       count, load->refused, seconds, (double)count / seconds,
	       count ? load->waits[count / 2] * 1e3 : 0,
	       count ? load->waits[count * 99 / 100] * 1e3 : 0);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		die("usage", "smtp_load PORT SESSIONS PER_SESSION SPOOL");
	struct arena *arena = arena_new(0);
	struct load load = { .epoll = epoll_create1(EPOLL_CLOEXEC),
			     .port = (uint16_t)strtoul(argv[1], NULL, 10),
			     .per_session = (unsigned)strtoul(argv[3], NULL, 10) };
	size_t session_count = strtoul(argv[2], NULL, 10);
	load.spool = spool_read(argv[4], arena);
	load.waits = ARENA_ARRAY(arena, double, load.spool.count);
	struct session *sessions = ARENA_ARRAY(arena, struct session, session_count);

	double begin = seconds_now();
	for (size_t i = 0; i < session_count; i++)
		session_open(&load, &sessions[i]);
	while (load.open) {
		struct epoll_event events[EVENTS];
		int count = epoll_wait(load.epoll, events, EVENTS, 60000);
		if (count == 0)
			die("epoll_wait", "nothing happened for 60 s");
		for (int i = 0; i < count; i++) {
			struct session *session = events[i].data.ptr;
			if (events[i].events & EPOLLOUT)
				session_write(&load, session);
			if (events[i].events & ~(uint32_t)EPOLLOUT)
				session_read(&load, session);
		}
	}
	print_result(&load, seconds_now() - begin);
	arena_free(arena);
	return load.refused ? 1 : 0;
}
