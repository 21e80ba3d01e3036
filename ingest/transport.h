/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of one connection: in clear, and from a point on over TLS. Non-blocking; never back to
 * clear. Any error of TLS, an end of the stream without close_notify, and close_notify itself are
 * all the end (TRANSPORT_OVER), after which only transport_done() may follow. SIGPIPE must be
 * ignored: OpenSSL writes to sockets that may be closed.
 */
#ifndef BOUNCED_INGEST_TRANSPORT_H
#define BOUNCED_INGEST_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <openssl/ssl.h>

#include "core/slice.h"

struct transport {
	int fd;
	SSL *ssl; /* NULL: in clear */
	/* What blocked last goes on when the socket takes bytes, not when it has some. */
	bool wants_write;
	bool over;
};

#define TRANSPORT_BLOCKED 0
#define TRANSPORT_OVER    (-1)

/* fd: a connected, non-blocking socket; moves here. */
void transport_init(struct transport *transport, int fd);
/* Closes at once, without close_notify. */
void transport_done(struct transport *transport);

/* ssl: a server's, without a socket yet; moves here. From now on nothing moves before
 * transport_handshake() is done. */
void transport_start_tls(struct transport *transport, SSL *ssl);
/* 1 when done, else TRANSPORT_BLOCKED or TRANSPORT_OVER. */
int transport_handshake(struct transport *transport);
/* Why the handshake that just failed did; static. */
struct slice transport_error(void);
/* "TLSv1.3", static; empty in clear. */
struct slice transport_tls_version(const struct transport *transport);

/* How many bytes moved, else TRANSPORT_BLOCKED or TRANSPORT_OVER. */
ssize_t transport_read(struct transport *transport, char *bytes, size_t size);
ssize_t transport_write(struct transport *transport, const char *bytes, size_t len);
/* Bytes are decrypted already, so that the socket need not become readable. */
bool transport_has_pending(const struct transport *transport);
/* All is said: close_notify, and no more writing. */
void transport_finish(struct transport *transport);

#endif
