/* SPDX-License-Identifier: Apache-2.0 */
#include "core/uuid.h"

#include <assert.h>
#include <string.h>

#include "core/encoding.h"
#include "core/hash.h"

/* Bytes 6..7 hold the version and 12 bits, of which we make a counter within the millisecond; bytes
 * 8..15 the variant and 62 random bits (RFC 9562 6.2, method 1). */
struct uuid uuid_v7(int64_t unix_ms)
{
	static _Thread_local int64_t last_ms = -1;
	static _Thread_local uint32_t counter;
	struct uuid uuid;

	assert(unix_ms >= 0 && unix_ms < INT64_C(1) << 48);
	random_bytes(uuid.bytes + 6, 10);
	if (unix_ms != last_ms) {
		last_ms = unix_ms;
		/* half the range is left for counting up */
		counter = ((uint32_t)uuid.bytes[6] << 8 | uuid.bytes[7]) & 0x7ff;
	} else if (counter < 0xfff) {
		counter++;
	}
	for (unsigned i = 0; i < 6; i++)
		uuid.bytes[i] = (uint8_t)(unix_ms >> (40 - 8 * i));
	uuid.bytes[6] = (uint8_t)(0x70 | counter >> 8);
	uuid.bytes[7] = (uint8_t)counter;
	uuid.bytes[8] = (uint8_t)(0x80 | (uuid.bytes[8] & 0x3f));
	return uuid;
}

int64_t uuid_unix_ms(const struct uuid *uuid)
{
	int64_t unix_ms = 0;

	for (unsigned i = 0; i < 6; i++)
		unix_ms = unix_ms << 8 | uuid->bytes[i];
	return unix_ms;
}

void uuid_format(const struct uuid *uuid, char ret_text[UUID_TEXT_LEN + 1])
{
	char hex[HEX_LEN(16)];
	char *out = ret_text;

	hex_encode(uuid->bytes, sizeof(uuid->bytes), hex);
	for (unsigned i = 0; i < sizeof(hex); i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			*out++ = '-';
		*out++ = hex[i];
	}
	*out = '\0';
}

bool uuid_parse(struct slice text, struct uuid *ret_uuid)
{
	char hex[HEX_LEN(16)];
	size_t len = 0;

	if (text.len != UUID_TEXT_LEN)
		return false;
	for (unsigned i = 0; i < UUID_TEXT_LEN; i++) {
		bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (hyphen != (text.ptr[i] == '-'))
			return false;
		if (!hyphen)
			hex[len++] = text.ptr[i];
	}
	struct uuid uuid;

	if (hex_decode(slice_from(hex, len), uuid.bytes, sizeof(uuid.bytes)) != 16)
		return false;
	*ret_uuid = uuid;
	return true;
}
