/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header that a proxy sends before the client's own bytes, to say who the client is: the PROXY
 * protocol, version 1 (a line of text) and 2 (binary), as the HAProxy project publishes it. Pure.
 */
#ifndef BOUNCED_INGEST_PROXY_PROTOCOL_H
#define BOUNCED_INGEST_PROXY_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/network.h"
#include "core/slice.h"

/* Longer ones, of many extensions in version 2, are refused. Version 1 has at most 107 bytes. */
#define PROXY_HEADER_MAX 2048

enum proxy_result {
	PROXY_MORE,   /* all the bytes are the header's, and more of it must come */
	PROXY_DONE,   /* *ret_header is filled */
	PROXY_BROKEN, /* no such header */
};

struct proxy_header {
	size_t len;               /* of the header within the bytes */
	bool has_source;          /* else the proxy speaks for itself, or for no internet address */
	struct ip_address source; /* the client; IPv4 in IPv6 is unwrapped */
};

enum proxy_result proxy_protocol_parse(struct slice bytes, struct proxy_header *ret_header);

#endif
