/* SPDX-License-Identifier: Apache-2.0 */
#include "core/network.h"

#include <arpa/inet.h>
#include <string.h>

bool ip_parse(struct slice text, struct ip_address *ret_address)
{
	char buffer[INET6_ADDRSTRLEN];
	struct ip_address address = { .v6 = slice_find_byte(text, ':') >= 0 };

	if (text.len >= sizeof(buffer) || slice_find_byte(text, '\0') >= 0)
		return false;
	memcpy(buffer, text.ptr, text.len);
	buffer[text.len] = '\0';
	if (inet_pton(address.v6 ? AF_INET6 : AF_INET, buffer, address.bytes) != 1)
		return false;
	*ret_address = address;
	return true;
}

struct ip_address ip_unmap(struct ip_address address)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };
	struct ip_address mapped = { 0 };

	if (!address.v6 || memcmp(address.bytes, prefix, sizeof(prefix)) != 0)
		return address;
	memcpy(mapped.bytes, address.bytes + sizeof(prefix), 4);
	return mapped;
}

bool ip_prefix_parse(struct slice text, unsigned max, unsigned *ret_bits)
{
	uint64_t bits;

	if (!slice_to_u64(text, &bits) || bits > max || (text.len > 1 && text.ptr[0] == '0'))
		return false;
	*ret_bits = (unsigned)bits;
	return true;
}

bool ip_network_parse(struct slice text, struct ip_network *ret_network)
{
	ptrdiff_t slash = slice_find_byte(text, '/');
	struct slice address = slash < 0 ? text : slice_head(text, (size_t)slash);
	struct ip_network network;

	if (!ip_parse(address, &network.base))
		return false;
	unsigned max = network.base.v6 ? 128 : 32;

	network.bits = max;
	if (slash >= 0 && !ip_prefix_parse(slice_skip(text, (size_t)slash + 1), max, &network.bits))
		return false;
	*ret_network = network;
	return true;
}

bool ip_network_holds(const struct ip_network *network, const struct ip_address *address)
{
	unsigned whole = network->bits / 8, rest = network->bits % 8;

	if (network->base.v6 != address->v6 ||
	    memcmp(network->base.bytes, address->bytes, whole) != 0)
		return false;
	return rest == 0 || (network->base.bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}
