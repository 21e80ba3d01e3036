/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What we are as a TLS server: certificates with their keys, the first for whoever asks for no name
 * that we have, the others by the name in the client's hello (SNI, RFC 6066). TLS 1.2 and 1.3; no
 * renegotiation, no compression, no session tickets nor cache, no certificates of clients.
 *
 * Loading again replaces all of them, or nothing where one of them is bad; connections keep what
 * they began with.
 */
#ifndef BOUNCED_INGEST_TLS_H
#define BOUNCED_INGEST_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#include "core/err.h"

/* Certificates of one server. */
#define TLS_CERTIFICATES_MAX 64

struct tls;

/* Without a certificate yet. Caller frees, after the last connection. */
struct tls *tls_new(void);
void tls_free(struct tls *tls);

/*
 * certificates, keys: names of PEM files, separated by blanks, as many of the one as of the other;
 * a certificate's file holds its chain, and each key must fit. ERR_REFUSE: `error` says which file
 * and why, and all stays as it was.
 */
enum err tls_load(struct tls *tls, const char *certificates, const char *keys, char *error,
		  size_t error_size) MUST_CHECK;
bool tls_loaded(const struct tls *tls);
/* For a new connection; moves to the caller. Only where tls_loaded(). */
SSL *tls_accept(struct tls *tls);

#endif
