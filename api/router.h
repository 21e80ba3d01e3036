/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table says which resources there are, who may call them, and what they take. Whatever is not
 * in it is refused: unknown paths, methods, parameters, content types.
 */
#ifndef BOUNCED_API_ROUTER_H
#define BOUNCED_API_ROUTER_H

#include <stddef.h>

#include "api/call.h"

#define ROUTE_PARAMS_MAX 20

enum body_kind {
	BODY_NONE,
	BODY_JSON,          /* application/json, up to LIMIT_HTTP_BODY */
	BODY_JSON_OPTIONAL, /* the same, or nothing */
	BODY_MESSAGE, /* message/rfc822 or application/octet-stream, up to the message limit */
};

struct route {
	enum method method; /* GET also answers HEAD */
	const char *path;   /* "/v1/events/{}": {} is one segment, any other matches exactly */
	unsigned scope;     /* API_SCOPE_…; 0: open to everybody */
	enum body_kind body;
	unsigned formats; /* FORMATS_… that it writes; 0: it writes a type of its own */
	void (*handle)(struct call *call);
	const char *params[ROUTE_PARAMS_MAX];
};

extern const struct route ROUTES[];
extern const size_t ROUTE_COUNT;

/*
 * The route, whose {} are then in request->args. NULL where there is none; *ret_allow names the
 * methods that the path has ("GET, HEAD, PUT"), in the arena, and is empty where the path is
 * unknown.
 */
const struct route *router_find(struct request *request, struct arena *arena,
				struct slice *ret_allow);
/* Writes the answer where there is no route: 404, 405, or 204 to OPTIONS. */
void router_refuse(struct call *call, struct slice allow);

/*
 * What can be said before the body is read: parameters, Accept, Content-Type, Content-Length. Fills
 * call->format and call->csv_safe. false: refused, and the answer is written.
 */
bool router_check_head(struct call *call, const struct route *route);

/* The largest body that the route takes. */
size_t route_body_max(const struct route *route, const struct api_options *options);

#endif
