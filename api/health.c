/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources.h"

#include "api/problem.h"
#include "core/json.h"

static void status_write(struct call *call)
{
	struct json_writer json;

	call->response->content_type = format_content_type(FORMAT_JSON);
	json_init(&json, &call->response->body);
	json_object_begin(&json);
	json_put_cstr(&json, "status", "ok");
	json_object_end(&json);
}

/* The process answers. */
void health_live(struct call *call)
{
	status_write(call);
}

/* It can do its work: the database answers too. */
void health_ready(struct call *call)
{
	if (pg_exec(call->pg, "SELECT 1", NULL, NULL) != PG_SOME)
		problem_none(call, ERR_RETRY);
	else
		status_write(call);
}
