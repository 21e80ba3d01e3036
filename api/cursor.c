/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cursor.h"

#include <string.h>

#include "api/target.h"
#include "core/encoding.h"

#define CURSOR_VERSION 1
#define CURSOR_BODY    (1 + 8 + 8 + 8 + 16)
#define CURSOR_MAC     16
#define CURSOR_BYTES   (CURSOR_BODY + CURSOR_MAC)

static void put_u64(uint8_t *out, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		out[i] = (uint8_t)value;
}

static uint64_t get_u64(const uint8_t *bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

uint64_t cursor_filter_hash(const struct request *request)
{
	struct slice pieces[1 + 2 * TARGET_PARAMS_MAX];
	uint8_t digest[SHA256_LEN];
	size_t count = 0;

	pieces[count++] = request->path;
	for (size_t i = 0; i < request->param_count; i++) {
		if (slice_equal(request->params[i].name, SLICE("cursor")) ||
		    slice_equal(request->params[i].name, SLICE("limit")))
			continue;
		pieces[count++] = request->params[i].name;
		pieces[count++] = request->params[i].value;
	}
	sha256_pieces(pieces, count, digest);
	return get_u64(digest);
}

static void sign(const uint8_t body[CURSOR_BODY], const uint8_t key[CURSOR_KEY_LEN],
		 uint8_t ret_mac[SHA256_LEN])
{
	hmac_sha256(slice_from((const char *)key, CURSOR_KEY_LEN),
		    slice_from((const char *)body, CURSOR_BODY), ret_mac);
}

struct slice cursor_format(const struct cursor_position *position, const struct cursor_scope *scope,
			   const uint8_t key[CURSOR_KEY_LEN], struct arena *arena)
{
	uint8_t bytes[CURSOR_BYTES] = { CURSOR_VERSION }, mac[SHA256_LEN];
	char *text = arena_alloc(arena, BASE64URL_LEN(CURSOR_BYTES));

	put_u64(bytes + 1, scope->account_id);
	put_u64(bytes + 9, scope->filter_hash);
	put_u64(bytes + 17, (uint64_t)position->time);
	memcpy(bytes + 25, position->id.bytes, 16);
	sign(bytes, key, mac);
	memcpy(bytes + CURSOR_BODY, mac, CURSOR_MAC);
	return slice_from(text, base64url_encode(bytes, CURSOR_BYTES, text));
}

bool cursor_parse(struct slice text, const struct cursor_scope *scope,
		  const uint8_t key[CURSOR_KEY_LEN], struct cursor_position *ret_position)
{
	uint8_t bytes[CURSOR_BYTES], mac[SHA256_LEN];

	if (base64url_decode(text, bytes, sizeof(bytes)) != CURSOR_BYTES)
		return false;
	sign(bytes, key, mac);
	if (!bytes_equal_constant_time(mac, bytes + CURSOR_BODY, CURSOR_MAC))
		return false;
	if (bytes[0] != CURSOR_VERSION || get_u64(bytes + 1) != scope->account_id ||
	    get_u64(bytes + 9) != scope->filter_hash)
		return false;
	ret_position->time = (int64_t)get_u64(bytes + 17);
	memcpy(ret_position->id.bytes, bytes + 25, 16);
	return true;
}
