/* SPDX-License-Identifier: Apache-2.0 */
#include "app/demo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/err.h"

#define TIMEOUT_S    40
#define OUTPUT_MAX   (1024 * 1024)
#define PORT_OF_MAIL 25

/* -- lines -- */

static bool fail(struct demo_session *session, const char *what)
{
	snprintf(session->reply, sizeof(session->reply), "%s: %s", what, strerror(errno));
	return false;
}

static bool say(struct demo_session *session, struct slice bytes)
{
	while (!slice_empty(bytes)) {
		ssize_t count = send(session->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		if (count > 0)
			bytes = slice_skip(bytes, (size_t)count);
		else if (errno != EINTR)
			return fail(session, "cannot send");
	}
	return true;
}

/* Reads one line into session->reply, a byte at a time: a demonstration is in no hurry. */
static bool read_line(struct demo_session *session)
{
	size_t len = 0;
	char c;

	for (;;) {
		ssize_t count = recv(session->fd, &c, 1, 0);

		if (count == 0)
			errno = ECONNRESET;
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return fail(session, "no answer");
		if (c == '\n')
			break;
		if (c != '\r' && len < sizeof(session->reply) - 1)
			session->reply[len++] = c;
	}
	session->reply[len] = '\0';
	return true;
}

/* A whole reply; true when its code begins with that digit. */
static bool expect(struct demo_session *session, char digit)
{
	do {
		if (!read_line(session))
			return false;
	} while (strlen(session->reply) > 3 && session->reply[3] == '-');
	return session->reply[0] == digit;
}

PRINTF_LIKE(3, 4)
static bool command(struct demo_session *session, char digit, const char *format, ...)
{
	char line[1200];
	va_list list;
	int len;

	va_start(list, format);
	len = vsnprintf(line, sizeof(line) - 2, format, list);
	va_end(list);
	if (len < 0 || (size_t)len >= sizeof(line) - 2) {
		errno = EMSGSIZE;
		return fail(session, "command");
	}
	memcpy(line + len, "\r\n", 2);
	return say(session, slice_from(line, (size_t)len + 2)) && expect(session, digit);
}

/* -- session -- */

static bool loopback_address(const char *address, int64_t port, struct sockaddr_storage *storage,
			     socklen_t *len)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };

	if (inet_pton(AF_INET6, address, &in6.sin6_addr) == 1) {
		if (IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr))
			in6.sin6_addr = in6addr_loopback;
		memcpy(storage, &in6, sizeof(in6));
		*len = sizeof(in6);
		return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
	}
	if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
		return false;
	if (in.sin_addr.s_addr == htonl(INADDR_ANY))
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memcpy(storage, &in, sizeof(in));
	*len = sizeof(in);
	return ntohl(in.sin_addr.s_addr) >> 24 == 127;
}

bool demo_open(struct demo_session *session, const char *address, int64_t port)
{
	const struct timeval timeout = { .tv_sec = TIMEOUT_S };
	struct sockaddr_storage storage = { 0 };
	socklen_t len;

	if (!loopback_address(address, port, &storage, &len) || port == PORT_OF_MAIL) {
		snprintf(session->reply, sizeof(session->reply),
			 "%s port %d: the demonstration goes to loopback only, and not to port 25",
			 address, (int)port);
		return false;
	}
	session->fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (session->fd < 0)
		return fail(session, "socket");
	setsockopt(session->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(session->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(session->fd, (const struct sockaddr *)&storage, len) < 0) {
		snprintf(session->reply, sizeof(session->reply), "%s port %d: %s", address,
			 (int)port, strerror(errno));
		close(session->fd);
		return false;
	}
	if (expect(session, '2') && command(session, '2', "EHLO mx.customer.example"))
		return true;
	close(session->fd);
	return false;
}

void demo_close(struct demo_session *session)
{
	(void)command(session, '2', "QUIT");
	close(session->fd);
}

/* The message with its dots stuffed (RFC 5321 4.5.2) and its end. */
static bool say_data(struct demo_session *session, struct slice raw)
{
	struct slice line;
	struct buf out;
	bool sent;

	buf_init(&out, OUTPUT_MAX);
	while (slice_next_line(&raw, &line)) {
		if (slice_starts_with(line, SLICE(".")))
			buf_append_byte(&out, '.');
		buf_append(&out, line);
		buf_append_cstr(&out, "\r\n");
	}
	buf_append_cstr(&out, ".\r\n");
	sent = say(session, buf_slice(&out)) && expect(session, '2');
	buf_done(&out);
	return sent;
}

bool demo_send(struct demo_session *session, struct slice recipient, struct slice raw)
{
	return command(session, '2', "MAIL FROM:<>") &&
	       command(session, '2', "RCPT TO:<%.*s>", SLICE_ARG(recipient)) &&
	       command(session, '3', "DATA") && say_data(session, raw);
}
