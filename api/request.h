/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as the gate, the router and the resources see it. Nothing here knows the HTTP library:
 * server.c fills it, tests make it by hand. Slices live in the request's arena or in the
 * connection's memory, which outlives it.
 */
#ifndef BOUNCED_API_REQUEST_H
#define BOUNCED_API_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/slice.h"

/* Path arguments of one route. */
#define REQUEST_ARGS_MAX 2

enum method {
	METHOD_OTHER, /* unknown, or one that is always refused: TRACE, CONNECT */
	METHOD_GET,
	METHOD_HEAD,
	METHOD_PUT,
	METHOD_POST,
	METHOD_DELETE,
	METHOD_OPTIONS,
};

struct http_header {
	struct slice name; /* as sent */
	struct slice value;
};

struct param {
	struct slice name; /* decoded, like value */
	struct slice value;
};

struct request {
	struct slice id;     /* ours, for Request-Id, problems and the log */
	struct slice peer;   /* address in text, without port */
	int64_t received_at; /* Unix ms */

	struct slice method_text;
	enum method method;
	struct slice version; /* "HTTP/1.1" */
	struct slice target;  /* exactly as in the request line */
	struct http_header *headers;
	size_t header_count;

	/* from target, by target_parse() */
	struct slice path;      /* raw, percent signs and all */
	struct slice query;     /* raw, without the question mark */
	struct slice *segments; /* of the path, decoded once; none for "/" */
	size_t segment_count;
	struct param *params;
	size_t param_count;

	struct slice args[REQUEST_ARGS_MAX]; /* what the route's {} matched; by the router */
	struct slice body;
};

enum method method_from_text(struct slice text);

/* First header of that name, ASCII case ignored; NULL where absent. */
const struct http_header *request_header(const struct request *request, const char *name);
size_t request_header_count(const struct request *request, const char *name);
/* NULL where absent. The router has refused unknown and repeated ones. */
const struct param *request_param(const struct request *request, const char *name);

#endif
