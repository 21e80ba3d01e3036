/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PROXY header: what is complete is so at exactly one length, more bytes behind it change
 * nothing, and every shorter beginning of it only asks for more.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_from((const char *)data, size);
	struct proxy_header header = { 0 }, again = { 0 };
	enum proxy_result result = proxy_protocol_parse(text, &header);

	if (result == PROXY_MORE)
		check(size < PROXY_HEADER_MAX);
	if (result != PROXY_DONE)
		return 0;
	check(header.len > 0 && header.len <= size && header.len <= PROXY_HEADER_MAX);
	for (size_t len = 0; len < header.len; len++)
		check(proxy_protocol_parse(slice_head(text, len), &again) == PROXY_MORE);
	check(proxy_protocol_parse(slice_head(text, header.len), &again) == PROXY_DONE);
	check(memcmp(&header, &again, sizeof(header)) == 0);
	return 0;
}
