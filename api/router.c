/* SPDX-License-Identifier: Apache-2.0 */
#include "api/router.h"

#include "api/params.h"
#include "api/problem.h"
#include "core/limits.h"

/*
 * Literal segments are compared as they were sent: an escaped one has another spelling and does not
 * match. Only what {} stands for is taken decoded.
 */
static bool path_matches(const char *pattern, struct request *request)
{
	struct slice expected = slice_skip(slice_from_cstr(pattern), 1);
	struct slice rest = slice_skip(request->path, 1), want, raw;
	size_t arg = 0, i = 0;

	while (slice_next_field(&expected, '/', &want)) {
		if (!slice_next_field(&rest, '/', &raw))
			return false;
		if (slice_equal(want, SLICE("{}")))
			request->args[arg++] = request->segments[i];
		else if (!slice_equal(want, raw))
			return false;
		i++;
	}
	return i == request->segment_count;
}

static bool method_matches(const struct route *route, enum method method)
{
	return route->method == method || (route->method == METHOD_GET && method == METHOD_HEAD);
}

static const char *method_names(enum method method)
{
	switch (method) {
	case METHOD_GET:
		return "GET, HEAD";
	case METHOD_PUT:
		return "PUT";
	case METHOD_POST:
		return "POST";
	case METHOD_DELETE:
		return "DELETE";
	case METHOD_HEAD:
	case METHOD_OPTIONS:
	case METHOD_OTHER:
		break;
	}
	return "";
}

const struct route *router_find(struct request *request, struct arena *arena,
				struct slice *ret_allow)
{
	*ret_allow = SLICE_NONE;
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		if (!path_matches(ROUTES[i].path, request))
			continue;
		if (method_matches(&ROUTES[i], request->method))
			return &ROUTES[i];
		*ret_allow = arena_printf(arena, "%.*s%s%s", SLICE_ARG(*ret_allow),
					  slice_empty(*ret_allow) ? "" : ", ",
					  method_names(ROUTES[i].method));
	}
	return NULL;
}

void router_refuse(struct call *call, struct slice allow)
{
	if (slice_empty(allow)) {
		problem(call, 404, "not_found", "there is no such resource");
		return;
	}
	if (call->request->method == METHOD_OPTIONS) {
		response_reset(call->response);
		call->response->status = 204;
	} else {
		problem(call, 405, "method_not_allowed", "the resource has other methods");
	}
	response_header_add(call->response, "Allow", allow.ptr);
}

static bool params_known(struct call *call, const struct route *route)
{
	const struct request *request = call->request;

	for (size_t i = 0; i < request->param_count; i++) {
		struct slice name = request->params[i].name;
		bool known = false;

		for (size_t k = 0; k < ROUTE_PARAMS_MAX && route->params[k]; k++)
			known = known || slice_equal(name, slice_from_cstr(route->params[k]));
		if (!known) {
			problem_param(call, arena_cstr(call->arena, name), "unknown parameter");
			return false;
		}
		for (size_t k = 0; k < i; k++)
			if (slice_equal(name, request->params[k].name)) {
				problem_param(call, arena_cstr(call->arena, name),
					      "given more than once");
				return false;
			}
	}
	return true;
}

static bool content_type_fits(const struct route *route, const struct request *request)
{
	const struct http_header *header = request_header(request, "Content-Type");
	struct slice value = header ? header->value : SLICE_NONE, type = SLICE_NONE;

	slice_next_field(&value, ';', &type);
	type = slice_trim(type);
	if (route->body == BODY_MESSAGE)
		return slice_equal_nocase(type, SLICE("message/rfc822")) ||
		       slice_equal_nocase(type, SLICE("application/octet-stream"));
	return slice_equal_nocase(type, SLICE("application/json"));
}

static bool body_fits(struct call *call, const struct route *route)
{
	const struct http_header *length = request_header(call->request, "Content-Length");
	bool chunked = request_header(call->request, "Transfer-Encoding") != NULL;
	uint64_t bytes = 0;

	if (length && !slice_to_u64(length->value, &bytes))
		bytes = UINT64_MAX;
	if (route->body == BODY_NONE) {
		if (!chunked && bytes == 0)
			return true;
		problem(call, 400, "unexpected_body", "this takes no body");
		return false;
	}
	if (bytes > route_body_max(route, call->options)) {
		problem(call, 413, "too_large", "the body is larger than this takes");
		return false;
	}
	if (!chunked && bytes == 0) {
		if (route->body == BODY_JSON_OPTIONAL)
			return true;
		problem(call, 400, "missing_body", "this needs a body");
		return false;
	}
	if (content_type_fits(route, call->request))
		return true;
	problem(call, 415, "unsupported_media_type",
		route->body == BODY_MESSAGE
			? "this takes message/rfc822 or application/octet-stream"
			: "this takes application/json");
	return false;
}

bool router_check_head(struct call *call, const struct route *route)
{
	call->csv_safe = true;
	if (!params_known(call, route) || !param_flag(call, "csv_safe", &call->csv_safe) ||
	    !body_fits(call, route))
		return false;
	if (route->formats == 0 || negotiate(call->request, route->formats, &call->format))
		return true;
	problem(call, 406, "not_acceptable", "this is not written in a format that Accept names");
	return false;
}

size_t route_body_max(const struct route *route, const struct api_options *options)
{
	switch (route->body) {
	case BODY_NONE:
		break;
	case BODY_JSON:
	case BODY_JSON_OPTIONAL:
		return LIMIT_HTTP_BODY;
	case BODY_MESSAGE:
		return options->message_max ? options->message_max : LIMIT_MESSAGE_SIZE;
	}
	return 0;
}
