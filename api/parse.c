/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources.h"

#include "api/params.h"
#include "api/problem.h"
#include "core/json.h"
#include "core/report_json.h"

/* How the verdict came about, a line an element. */
static void trail_write(struct json_writer *json, struct slice trail)
{
	struct slice line;

	json_key(json, "trail");
	json_array_begin(json);
	while (slice_next_line(&trail, &line))
		json_string(json, line);
	json_array_end(json);
}

void parse_post(struct call *call)
{
	const struct api_service *service = call->options->service;
	struct report report = { 0 };
	struct json_writer json;
	enum vocabulary vocabulary = VOCABULARY_NONE;
	bool explain = false;

	if (!param_flag(call, "explain", &explain) || !param_vocabulary(call, &vocabulary) ||
	    !problem_none(call, service->parse(service->context, call->request->body, explain,
					       call->arena, &report)))
		return;
	call->response->content_type = format_content_type(FORMAT_JSON);
	json_init(&json, &call->response->body);
	json_object_begin(&json);
	report_json_members(&json, &report, vocabulary);
	if (explain)
		trail_write(&json, report.trail);
	json_object_end(&json);
}
