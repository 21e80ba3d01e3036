/* SPDX-License-Identifier: Apache-2.0 */
#include "api/response.h"

#include <assert.h>

#include "core/limits.h"

void response_init(struct response *response)
{
	*response = (struct response){ .status = 200 };
	buf_init(&response->body, LIMIT_HTTP_RESPONSE);
}

void response_done(struct response *response)
{
	buf_done(&response->body);
}

void response_reset(struct response *response)
{
	buf_reset(&response->body);
	response->header_count = 0;
	response->content_type = NULL;
}

void response_header_add(struct response *response, const char *name, const char *value)
{
	assert(response->header_count < RESPONSE_HEADERS_MAX);
	response->headers[response->header_count++] = (struct response_header){ name, value };
}
