/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/proxy_protocol.h"

#include <stdint.h>
#include <string.h>

#define V1_MAX     107
#define V2_FIXED   16
#define V2_COMMAND 12
#define V2_FAMILY  13
#define V2_LENGTH  14

static const struct slice v1_begin = SLICE_LITERAL("PROXY ");
static const struct slice v2_begin = SLICE_LITERAL("\r\n\r\n\0\r\nQUIT\n");

/* The beginning of both, as far as the bytes go. */
static bool may_begin(struct slice bytes, struct slice begin)
{
	return slice_starts_with(bytes, slice_head(begin, bytes.len));
}

/* -- version 1: PROXY TCP4 source destination port port CRLF -- */

static bool is_port(struct slice text)
{
	uint64_t port;

	return slice_to_u64(text, &port) && port <= UINT16_MAX;
}

static enum proxy_result parse_v1_fields(struct slice line, struct proxy_header *header)
{
	struct slice fields[5];
	struct ip_address destination;

	if (slice_starts_with(line, SLICE("UNKNOWN")))
		return line.len == 7 || line.ptr[7] == ' ' ? PROXY_DONE : PROXY_BROKEN;
	for (size_t i = 0; i < 5; i++)
		if (!slice_next_field(&line, ' ', &fields[i]))
			return PROXY_BROKEN;
	bool v6 = slice_equal(fields[0], SLICE("TCP6"));

	if ((!v6 && !slice_equal(fields[0], SLICE("TCP4"))) || !slice_empty(line) ||
	    !ip_parse(fields[1], &header->source) || !ip_parse(fields[2], &destination) ||
	    header->source.v6 != v6 || destination.v6 != v6 || !is_port(fields[3]) ||
	    !is_port(fields[4]))
		return PROXY_BROKEN;
	header->has_source = true;
	return PROXY_DONE;
}

static enum proxy_result parse_v1(struct slice bytes, struct proxy_header *header)
{
	struct slice head = slice_head(bytes, V1_MAX);
	ptrdiff_t lf = slice_find_byte(head, '\n');

	if (lf < 0)
		return bytes.len < V1_MAX ? PROXY_MORE : PROXY_BROKEN;
	if (head.ptr[lf - 1] != '\r')
		return PROXY_BROKEN;
	header->len = (size_t)lf + 1;
	return parse_v1_fields(slice_skip(slice_head(head, (size_t)lf - 1), v1_begin.len), header);
}

/* -- version 2 -- */

/* Addresses come first, then extensions, which say nothing that we need. */
static enum proxy_result parse_v2_address(struct slice address, uint8_t family,
					  struct proxy_header *header)
{
	bool v6 = family == 0x21;

	/* Neither TCP over IPv4 nor over IPv6: a socket of the proxy's own machine, perhaps. */
	if (family != 0x11 && !v6)
		return PROXY_DONE;
	if (address.len < (v6 ? 36U : 12U))
		return PROXY_BROKEN;
	header->source.v6 = v6;
	memcpy(header->source.bytes, address.ptr, v6 ? 16 : 4);
	header->has_source = true;
	return PROXY_DONE;
}

static enum proxy_result parse_v2(struct slice bytes, struct proxy_header *header)
{
	const uint8_t *at = (const uint8_t *)bytes.ptr;

	if (bytes.len < V2_FIXED)
		return PROXY_MORE;
	header->len = V2_FIXED + ((size_t)at[V2_LENGTH] << 8 | at[V2_LENGTH + 1]);
	if (header->len > PROXY_HEADER_MAX || (at[V2_COMMAND] != 0x20 && at[V2_COMMAND] != 0x21))
		return PROXY_BROKEN;
	if (bytes.len < header->len)
		return PROXY_MORE;
	if (at[V2_COMMAND] == 0x20) /* LOCAL: a health check of the proxy's */
		return PROXY_DONE;
	return parse_v2_address(slice_skip(slice_head(bytes, header->len), V2_FIXED), at[V2_FAMILY],
				header);
}

enum proxy_result proxy_protocol_parse(struct slice bytes, struct proxy_header *ret_header)
{
	struct proxy_header header = { 0 };
	enum proxy_result result = PROXY_BROKEN;

	if (may_begin(bytes, v1_begin) || may_begin(bytes, v2_begin))
		result = PROXY_MORE;
	if (result == PROXY_MORE && bytes.len >= v1_begin.len && bytes.ptr[0] == 'P')
		result = parse_v1(bytes, &header);
	else if (result == PROXY_MORE && bytes.len >= v2_begin.len)
		result = parse_v2(bytes, &header);
	if (result == PROXY_DONE) {
		header.source = ip_unmap(header.source);
		*ret_header = header;
	}
	return result;
}
