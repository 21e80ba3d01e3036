/* SPDX-License-Identifier: Apache-2.0 */
/* Internet addresses and networks in text: "192.0.2.7", "2001:db8::/32". Strict: no leading zeros,
 * no short forms of IPv4, no zone. */
#ifndef BOUNCED_CORE_NETWORK_H
#define BOUNCED_CORE_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/slice.h"

struct ip_address {
	uint8_t bytes[16]; /* the first 4 for IPv4 */
	bool v6;
};

struct ip_network {
	struct ip_address base;
	unsigned bits;
};

/* false: no address. ::ffff:192.0.2.7 stays an IPv6 address. */
bool ip_parse(struct slice text, struct ip_address *ret_address);
/* An IPv4-mapped IPv6 address becomes the IPv4 address that it maps (RFC 4291 2.5.5.2). */
struct ip_address ip_unmap(struct ip_address address);
/* A network, or an address as the network that holds only it. */
bool ip_network_parse(struct slice text, struct ip_network *ret_network);
/* false also where one is IPv4 and the other IPv6. */
bool ip_network_holds(const struct ip_network *network, const struct ip_address *address);
/* Decimal without leading zeros, at most `max`. */
bool ip_prefix_parse(struct slice text, unsigned max, unsigned *ret_bits);

#endif
