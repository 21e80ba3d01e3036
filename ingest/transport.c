/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/transport.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

void transport_init(struct transport *transport, int fd)
{
	*transport = (struct transport){ .fd = fd };
}

void transport_done(struct transport *transport)
{
	SSL_free(transport->ssl);
	close(transport->fd);
	*transport = (struct transport){ .fd = -1, .over = true };
}

void transport_start_tls(struct transport *transport, SSL *ssl)
{
	if (SSL_set_fd(ssl, transport->fd) != 1)
		abort(); /* out of memory */
	SSL_set_accept_state(ssl);
	transport->ssl = ssl;
}

/* What a return of OpenSSL's means. result: ≤ 0. */
static int classify(struct transport *transport, int result)
{
	int error = SSL_get_error(transport->ssl, result);

	transport->wants_write = error == SSL_ERROR_WANT_WRITE;
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return TRANSPORT_BLOCKED;
	transport->over = true;
	return TRANSPORT_OVER;
}

int transport_handshake(struct transport *transport)
{
	/* OpenSSL judges by an error queue that all connections share. */
	ERR_clear_error();
	int result = SSL_do_handshake(transport->ssl);

	if (result != 1)
		return classify(transport, result);
	transport->wants_write = false;
	return 1;
}

struct slice transport_error(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return reason == NULL ? SLICE("connection closed") : slice_from_cstr(reason);
}

struct slice transport_tls_version(const struct transport *transport)
{
	return transport->ssl == NULL ? SLICE_NONE
				      : slice_from_cstr(SSL_get_version(transport->ssl));
}

static int clamp(size_t size)
{
	return size > INT_MAX ? INT_MAX : (int)size;
}

static ssize_t plain_result(struct transport *transport, ssize_t count, bool end_at_zero)
{
	if (count > 0)
		return count;
	if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return TRANSPORT_BLOCKED;
	if (count == 0 && !end_at_zero)
		return TRANSPORT_BLOCKED;
	transport->over = true;
	return TRANSPORT_OVER;
}

ssize_t transport_read(struct transport *transport, char *bytes, size_t size)
{
	if (transport->over)
		return TRANSPORT_OVER;
	if (transport->ssl == NULL)
		return plain_result(transport, recv(transport->fd, bytes, size, 0), true);
	ERR_clear_error();
	int count = SSL_read(transport->ssl, bytes, clamp(size));

	return count > 0 ? count : classify(transport, count);
}

ssize_t transport_write(struct transport *transport, const char *bytes, size_t len)
{
	if (transport->over)
		return TRANSPORT_OVER;
	if (transport->ssl == NULL)
		return plain_result(transport, send(transport->fd, bytes, len, MSG_NOSIGNAL),
				    false);
	ERR_clear_error();
	int count = SSL_write(transport->ssl, bytes, clamp(len));

	return count > 0 ? count : classify(transport, count);
}

bool transport_has_pending(const struct transport *transport)
{
	return transport->ssl != NULL && !transport->over && SSL_has_pending(transport->ssl);
}

void transport_finish(struct transport *transport)
{
	if (transport->ssl != NULL && !transport->over) {
		ERR_clear_error();
		(void)SSL_shutdown(transport->ssl);
	}
	shutdown(transport->fd, SHUT_WR);
}
