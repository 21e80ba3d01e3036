/* SPDX-License-Identifier: Apache-2.0 */
#include "store/api_key.h"

#include <string.h>

#include "core/encoding.h"

#define ID_BYTES     8
#define SECRET_BYTES 32

_Static_assert(BASE32_LEN(ID_BYTES) == API_KEY_ID_LEN, "length of the id");
_Static_assert(BASE32_LEN(SECRET_BYTES) == API_KEY_SECRET_LEN, "length of the secret");

void api_key_generate(char ret_text[API_KEY_TEXT_LEN + 1])
{
	uint8_t bytes[ID_BYTES + SECRET_BYTES];
	char *out = ret_text;

	random_bytes(bytes, sizeof(bytes));
	memcpy(out, API_KEY_PREFIX, sizeof(API_KEY_PREFIX) - 1);
	out += sizeof(API_KEY_PREFIX) - 1;
	out += base32_encode(bytes, ID_BYTES, out);
	*out++ = '_';
	out += base32_encode(bytes + ID_BYTES, SECRET_BYTES, out);
	*out = '\0';
	explicit_bzero(bytes, sizeof(bytes));
}

bool api_key_read(struct slice text, struct api_key_text *ret_key)
{
	struct slice prefix = SLICE(API_KEY_PREFIX);

	if (text.len != API_KEY_TEXT_LEN || !slice_starts_with(text, prefix) ||
	    text.ptr[prefix.len + API_KEY_ID_LEN] != '_')
		return false;
	ret_key->id = slice_head(slice_skip(text, prefix.len), API_KEY_ID_LEN);
	sha256(slice_skip(text, prefix.len + API_KEY_ID_LEN + 1), ret_key->secret_sha256);
	return true;
}
