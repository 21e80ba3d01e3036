/* SPDX-License-Identifier: Apache-2.0 */
/* An answer before it is sent. Headers hold constants and what we made ourselves, never mail data.
 */
#ifndef BOUNCED_API_RESPONSE_H
#define BOUNCED_API_RESPONSE_H

#include <stddef.h>

#include "core/buf.h"

#define RESPONSE_HEADERS_MAX 6

struct response_header {
	const char *name;
	const char *value; /* lives in the request's arena, or for ever */
};

struct response {
	unsigned status;
	const char *content_type; /* NULL: no body */
	struct buf body;
	struct response_header headers[RESPONSE_HEADERS_MAX];
	size_t header_count;
};

void response_init(struct response *response);
void response_done(struct response *response);
/* Forgets body and headers: an error takes their place. */
void response_reset(struct response *response);
void response_header_add(struct response *response, const char *name, const char *value);

#endif
