/* SPDX-License-Identifier: Apache-2.0 */
#include "core/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#define NONCE_LEN 12
#define TAG_LEN   16

static void must(int openssl_result)
{
	if (openssl_result != 1)
		abort();
}

static const uint8_t *octets(struct slice s)
{
	return (const uint8_t *)s.ptr;
}

void sha256(struct slice data, uint8_t ret_digest[SHA256_LEN])
{
	must(EVP_Digest(data.ptr, data.len, ret_digest, NULL, EVP_sha256(), NULL));
}

void sha256_pieces(const struct slice *pieces, size_t count, uint8_t ret_digest[SHA256_LEN])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	must(context != NULL);
	must(EVP_DigestInit_ex(context, EVP_sha256(), NULL));
	for (size_t i = 0; i < count; i++) {
		uint8_t length[8];

		for (unsigned b = 0; b < 8; b++)
			length[b] = (uint8_t)((uint64_t)pieces[i].len >> (56 - 8 * b));
		must(EVP_DigestUpdate(context, length, sizeof(length)));
		must(EVP_DigestUpdate(context, pieces[i].ptr, pieces[i].len));
	}
	must(EVP_DigestFinal_ex(context, ret_digest, NULL));
	EVP_MD_CTX_free(context);
}

void hmac_sha256(struct slice key, struct slice data, uint8_t ret_mac[SHA256_LEN])
{
	unsigned len = SHA256_LEN;

	assert(key.len <= 1024);
	must(HMAC(EVP_sha256(), key.ptr, (int)key.len, octets(data), data.len, ret_mac, &len) !=
	     NULL);
}

bool bytes_equal_constant_time(const uint8_t *a, const uint8_t *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void random_bytes(uint8_t *ret_bytes, size_t len)
{
	assert(len <= 4096);
	must(RAND_bytes(ret_bytes, (int)len));
}

void secretbox_seal(const uint8_t key[SECRETBOX_KEY_LEN], struct slice context, struct slice secret,
		    struct buf *out)
{
	uint8_t nonce[NONCE_LEN];
	uint8_t tag[TAG_LEN];
	int len = 0;

	assert(secret.len <= 65536 && context.len <= 65536);
	random_bytes(nonce, sizeof(nonce));
	char *room = buf_reserve(out, secret.len + SECRETBOX_OVERHEAD);

	if (room == NULL)
		return;
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();

	must(cipher != NULL);
	must(EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce));
	must(EVP_EncryptUpdate(cipher, NULL, &len, octets(context), (int)context.len));
	must(EVP_EncryptUpdate(cipher, (uint8_t *)room + NONCE_LEN, &len, octets(secret),
			       (int)secret.len));
	must(EVP_EncryptFinal_ex(cipher, (uint8_t *)room + NONCE_LEN + len, &len));
	must(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_LEN, tag));
	EVP_CIPHER_CTX_free(cipher);
	memcpy(room, nonce, NONCE_LEN);
	memcpy(room + NONCE_LEN + secret.len, tag, TAG_LEN);
	out->len += secret.len + SECRETBOX_OVERHEAD;
}

enum err secretbox_open(const uint8_t key[SECRETBOX_KEY_LEN], struct slice context,
			struct slice box, struct buf *out)
{
	if (box.len < SECRETBOX_OVERHEAD || box.len > 131072)
		return ERR_REFUSE;
	size_t secret_len = box.len - SECRETBOX_OVERHEAD;
	uint8_t tag[TAG_LEN];
	char *room = buf_reserve(out, secret_len > 0 ? secret_len : 1);
	int len = 0;

	if (room == NULL)
		return ERR_REFUSE;
	memcpy(tag, box.ptr + NONCE_LEN + secret_len, TAG_LEN);
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();

	must(cipher != NULL);
	must(EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, octets(box)));
	must(EVP_DecryptUpdate(cipher, NULL, &len, octets(context), (int)context.len));
	must(EVP_DecryptUpdate(cipher, (uint8_t *)room, &len, octets(box) + NONCE_LEN,
			       (int)secret_len));
	must(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag));
	int opened = EVP_DecryptFinal_ex(cipher, (uint8_t *)room + len, &len);

	EVP_CIPHER_CTX_free(cipher);
	if (opened != 1) {
		OPENSSL_cleanse(room, secret_len);
		return ERR_REFUSE;
	}
	out->len += secret_len;
	return OK;
}
