/* SPDX-License-Identifier: Apache-2.0 */
/* Signs messages for tests, with keys made on the spot. */
#ifndef BOUNCED_TESTS_SIGNER_H
#define BOUNCED_TESTS_SIGNER_H

#include <assert.h>
#include <string.h>

#include <sys/types.h>

#include <dkim.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "core/arena.h"

struct signing {
	const char *domain, *selector;
	EVP_PKEY *key;
	dkim_alg_t algorithm;
	const char **headers; /* NULL-terminated; NULL: what the library thinks right */
	bool part;            /* l=: only the first byte of the body */
};

static inline EVP_PKEY *signer_rsa_key(unsigned bits)
{
	EVP_PKEY *key = EVP_RSA_gen(bits);

	assert(key != NULL);
	return key;
}

/* The RSA key as it stands in DNS; extra: further tags, each with its semicolon. */
static inline struct slice signer_record(EVP_PKEY *key, const char *extra, struct arena *arena)
{
	unsigned char *der = NULL, text[4096];
	int len = i2d_PUBKEY(key, &der);

	assert(len > 0 && (size_t)len < sizeof(text) / 2);
	EVP_EncodeBlock(text, der, len);
	OPENSSL_free(der);
	return arena_printf(arena, "v=DKIM1; k=rsa; %sp=%s", extra, (const char *)text);
}

static inline char *signer_private(const struct signing *signing, struct arena *arena)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;

	assert(PEM_write_bio_PrivateKey(bio, signing->key, NULL, NULL, 0, NULL, NULL) == 1);
	long len = BIO_get_mem_data(bio, &data);
	char *text = arena_cstr(arena, slice_from(data, (size_t)len));

	BIO_free(bio);
	return text;
}

/* Each field without its CRLF, folds included. */
static inline void signer_feed(DKIM *dkim, char *raw)
{
	for (char *end; (end = strstr(raw, "\r\n")) != NULL && end != raw; raw = end + 2) {
		while (end[2] == ' ' || end[2] == '\t')
			end = strstr(end + 2, "\r\n");
		assert(dkim_header(dkim, (u_char *)raw, (size_t)(end - raw)) == DKIM_STAT_OK);
	}
	assert(dkim_eoh(dkim) == DKIM_STAT_OK);
	raw += 2;
	assert(dkim_body(dkim, (u_char *)raw, strlen(raw)) == DKIM_STAT_OK);
	assert(dkim_eom(dkim, NULL) == DKIM_STAT_OK);
}

/* The message with a signature on top. */
static inline struct slice signer_sign(const struct signing *signing, struct slice message,
				       struct arena *arena)
{
	DKIM_LIB *library = dkim_init(NULL, NULL);
	u_int flags = signing->part ? DKIM_LIBFLAGS_SIGNLEN : 0;
	u_int bits = 0;
	u_char header[8192];
	DKIM_STAT status;

	assert(library != NULL);
	dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof(flags));
	dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits, sizeof(bits));
	if (signing->headers != NULL)
		dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_SIGNHDRS, signing->headers,
			     sizeof(u_char **));
	DKIM *dkim = dkim_sign(library, (const u_char *)"test", NULL,
			       (dkim_sigkey_t)signer_private(signing, arena),
			       (const u_char *)signing->selector, (const u_char *)signing->domain,
			       DKIM_CANON_RELAXED, DKIM_CANON_SIMPLE, signing->algorithm,
			       signing->part ? 1 : -1, &status);

	assert(dkim != NULL);
	signer_feed(dkim, arena_cstr(arena, message));
	assert(dkim_getsighdr(dkim, header, sizeof(header), strlen("DKIM-Signature: ")) ==
	       DKIM_STAT_OK);
	struct slice signature = arena_printf(arena, "DKIM-Signature: %s", (const char *)header);

	dkim_free(dkim);
	dkim_close(library);
	/* the library folds with LF alone */
	char *out = arena_alloc(arena, 2 * signature.len + message.len + 3);
	size_t len = 0;

	for (size_t i = 0; i < signature.len; i++) {
		if (signature.ptr[i] == '\n' && (i == 0 || signature.ptr[i - 1] != '\r'))
			out[len++] = '\r';
		out[len++] = signature.ptr[i];
	}
	memcpy(out + len, "\r\n", 2);
	memcpy(out + len + 2, message.ptr, message.len);
	return slice_from(out, len + 2 + message.len);
}

#endif
