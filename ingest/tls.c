/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/tls.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "core/slice.h"

struct contexts {
	SSL_CTX *items[TLS_CERTIFICATES_MAX];
	size_t count;
};

struct tls {
	struct contexts contexts;
};

static void contexts_free(struct contexts *contexts)
{
	for (size_t i = 0; i < contexts->count; i++)
		SSL_CTX_free(contexts->items[i]);
	contexts->count = 0;
}

struct tls *tls_new(void)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (tls == NULL)
		abort();
	return tls;
}

void tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	contexts_free(&tls->contexts);
	free(tls);
}

/* -- choosing by name -- */

static bool serves_name(const SSL_CTX *context, const char *name)
{
	X509 *certificate = SSL_CTX_get0_certificate(context);

	return X509_check_host(certificate, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) ==
	       1;
}

/* A name that we do not have, or no name, keeps the first certificate. */
static int on_server_name(SSL *ssl, int *alert, void *argument)
{
	const struct tls *tls = argument;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	if (name == NULL || name[0] == '\0')
		return SSL_TLSEXT_ERR_NOACK;
	for (size_t i = 0; i < tls->contexts.count; i++) {
		if (serves_name(tls->contexts.items[i], name)) {
			SSL_set_SSL_CTX(ssl, tls->contexts.items[i]);
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_NOACK;
}

/* -- loading -- */

static SSL_CTX *new_context(struct tls *tls)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
		abort();
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					     SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	/* TLS 1.3 would send tickets of another kind. */
	SSL_CTX_set_num_tickets(context, 0);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
	SSL_CTX_set_tlsext_servername_arg(context, tls);
	return context;
}

static enum err refused(const char *file, const char *fallback, char *error, size_t error_size)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	snprintf(error, error_size, "%s: %s", file, reason != NULL ? reason : fallback);
	ERR_clear_error();
	return ERR_REFUSE;
}

/* An encrypted key would have OpenSSL ask on the terminal. */
static int no_password(char *buffer, int size, int writing, void *argument)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)argument;
	return -1;
}

static enum err load_one(SSL_CTX *context, const char *certificate, const char *key, char *error,
			 size_t error_size)
{
	ERR_clear_error();
	SSL_CTX_set_default_passwd_cb(context, no_password);
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
		return refused(certificate, "no certificate", error, error_size);
	/* Checks, too, that the key fits the certificate. */
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1)
		return refused(key, "no key of this certificate", error, error_size);
	return OK;
}

/* Takes the next file's name off *rest; false when there is none. */
static bool next_file(struct slice *rest, char **ret_name)
{
	struct slice word;

	while (slice_next_field(rest, ' ', &word)) {
		if (slice_empty(word))
			continue;
		*ret_name = strndup(word.ptr, word.len);
		if (*ret_name == NULL)
			abort();
		return true;
	}
	return false;
}

static enum err load_next(struct tls *tls, struct contexts *contexts, const char *certificate,
			  const char *key, char *error, size_t error_size)
{
	if (certificate == NULL || key == NULL) {
		snprintf(error, error_size, "%s: %s", certificate != NULL ? certificate : key,
			 certificate != NULL ? "a certificate without a key"
					     : "a key without a certificate");
		return ERR_REFUSE;
	}
	if (contexts->count == TLS_CERTIFICATES_MAX) {
		snprintf(error, error_size, "%s: more than %d certificates", certificate,
			 TLS_CERTIFICATES_MAX);
		return ERR_REFUSE;
	}
	contexts->items[contexts->count] = new_context(tls);
	return load_one(contexts->items[contexts->count++], certificate, key, error, error_size);
}

enum err tls_load(struct tls *tls, const char *certificates, const char *keys, char *error,
		  size_t error_size)
{
	struct slice certificate_rest = slice_from_cstr(certificates);
	struct slice key_rest = slice_from_cstr(keys);
	struct contexts loaded = { .count = 0 };
	enum err err = OK;

	while (err == OK) {
		char *certificate = NULL, *key = NULL;
		bool more = next_file(&certificate_rest, &certificate);

		more = next_file(&key_rest, &key) || more;
		if (more)
			err = load_next(tls, &loaded, certificate, key, error, error_size);
		free(certificate);
		free(key);
		if (!more)
			break;
	}
	if (err != OK) {
		contexts_free(&loaded);
		return err;
	}
	struct contexts old = tls->contexts;

	tls->contexts = loaded;
	contexts_free(&old);
	return OK;
}

bool tls_loaded(const struct tls *tls)
{
	return tls->contexts.count > 0;
}

SSL *tls_accept(struct tls *tls)
{
	assert(tls_loaded(tls));
	SSL *ssl = SSL_new(tls->contexts.items[0]);

	if (ssl == NULL)
		abort();
	return ssl;
}
