/* SPDX-License-Identifier: Apache-2.0 */
#include "api/problem.h"

#include <stdio.h>

#include "core/json.h"
#include "core/log.h"

static const char *status_title(unsigned status)
{
	static const struct {
		unsigned status;
		const char *title;
	} TITLES[] = {
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(TITLES) / sizeof(TITLES[0]); i++)
		if (TITLES[i].status == status)
			return TITLES[i].title;
	return "Error";
}

void problem_field(struct call *call, unsigned status, const char *code, const char *field,
		   const char *detail)
{
	struct response *response = call->response;
	struct json_writer json;

	response_reset(response);
	response->status = status;
	response->content_type = "application/problem+json";
	json_init(&json, &response->body);
	json_object_begin(&json);
	json_put_cstr(&json, "title", status_title(status));
	json_put_int(&json, "status", status);
	json_put_cstr(&json, "code", code);
	json_put_cstr(&json, "detail", detail);
	if (*field)
		json_put_cstr(&json, "field", field);
	json_put_string(&json, "request_id", call->request->id);
	json_object_end(&json);
}

void problem(struct call *call, unsigned status, const char *code, const char *detail)
{
	problem_field(call, status, code, "", detail);
}

void problem_param(struct call *call, const char *name, const char *detail)
{
	problem_field(call, 400, "invalid_parameter", name, detail);
}

bool problem_none(struct call *call, enum err err)
{
	switch (err) {
	case OK:
		return true;
	case ERR_RETRY:
		problem(call, 503, "unavailable", "try again in a moment");
		response_header_add(call->response, "Retry-After", "5");
		return false;
	case ERR_MISSING:
		problem(call, 404, "not_found", "there is no such thing in this account");
		return false;
	case ERR_REFUSE:
		problem(call, 422, "refused", "what was asked for is not possible");
		return false;
	case ERR_FATAL:
		break;
	}
	log_event(LOG_ERROR, "http_failed", LOG_SLICE("request", call->request->id),
		  LOG_STR("sqlstate", call->pg ? pg_sqlstate(call->pg) : ""),
		  LOG_STR("error", call->pg ? pg_error(call->pg) : ""));
	problem(call, 500, "internal",
		"something went wrong here; the request id finds it in the log");
	return false;
}
