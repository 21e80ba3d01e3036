/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources.h"

#include "api/params.h"
#include "api/problem.h"
#include "api/report_words.h"
#include "core/json.h"
#include "store/report_query.h"

static bool id_read(struct call *call, struct uuid *ret_id)
{
	/* What is no id names nothing that exists. */
	return uuid_parse(call->request->args[0], ret_id) || problem_none(call, ERR_MISSING);
}

static void json_put_texts(struct json_writer *json, const char *name, const struct slice *texts,
			   size_t count)
{
	json_key(json, name);
	json_array_begin(json);
	for (size_t i = 0; i < count; i++)
		json_string(json, texts[i]);
	json_array_end(json);
}

static void envelope_write(struct json_writer *json, const struct report_row *row)
{
	json_key(json, "envelope");
	json_object_begin(json);
	json_put_optional(json, "peer", row->peer);
	json_put_optional(json, "helo", row->helo);
	json_put_optional(json, "tls", row->tls);
	json_put_string(json, "mail_from", row->mail_from);
	json_put_texts(json, "recipients", row->recipients, row->recipient_count);
	json_put_optional(json, "flags", row->flags);
	json_object_end(json);
}

/* What is between the braces of an object, to go on inside another one. */
static struct slice members_of(struct slice object)
{
	return object.len < 2 ? SLICE_NONE : slice_trim(slice_from(object.ptr + 1, object.len - 2));
}

void reports_get(struct call *call)
{
	enum vocabulary vocabulary = VOCABULARY_NONE;
	struct json_writer json;
	struct report_row row;
	struct slice members;
	struct uuid id;

	if (!id_read(call, &id) || !param_vocabulary(call, &vocabulary) ||
	    !problem_none(call,
			  report_get(call->pg, call->principal.account_id, &id, call->arena, &row)))
		return;
	call->response->content_type = format_content_type(FORMAT_JSON);
	json_init(&json, &call->response->body);
	json_object_begin(&json);
	json_put_uuid(&json, "id", &row.id);
	json_put_time(&json, "received_at", row.received_at);
	json_put_string(&json, "source", row.source);
	json_put_string(&json, "trust", row.trust);
	json_put_int(&json, "size", row.size);
	json_put_raw(&json, "authentication", row.authentication);
	envelope_write(&json, &row);
	json_put_texts(&json, "events", row.events, row.event_count);
	/* Then the report, with the members that `bounced parse` prints. */
	members = members_of(report_in_words(row.detail, vocabulary, call->arena));
	if (!slice_empty(members))
		json_raw(&json, members);
	json_object_end(&json);
}

void reports_raw(struct call *call)
{
	char text[UUID_TEXT_LEN + 1];
	struct uuid id;

	if (!id_read(call, &id) ||
	    !problem_none(call, report_raw_get(call->pg, call->principal.account_id, &id,
					       call->arena, &call->response->body)))
		return;
	uuid_format(&id, text);
	/* Written by strangers: to be saved, never to be shown. */
	call->response->content_type = "application/octet-stream";
	response_header_add(call->response, "Content-Disposition",
			    arena_printf(call->arena, "attachment; filename=\"%s.eml\"", text).ptr);
}

void reports_post(struct call *call)
{
	const struct api_service *service = call->options->service;
	const struct api_submission submission = {
		.account_id = call->principal.account_id,
		.peer = call->request->peer,
		.raw = call->request->body,
	};
	char text[UUID_TEXT_LEN + 1];
	struct api_receipt receipt;
	struct json_writer json;

	if (!problem_none(call,
			  service->submit(service->context, &submission, call->arena, &receipt)))
		return;
	uuid_format(&receipt.report_id, text);
	call->response->status = receipt.duplicate ? 200 : 201;
	call->response->content_type = format_content_type(FORMAT_JSON);
	response_header_add(call->response, "Location",
			    arena_printf(call->arena, "/v1/reports/%s", text).ptr);
	json_init(&json, &call->response->body);
	json_object_begin(&json);
	json_put_uuid(&json, "id", &receipt.report_id);
	json_put_bool(&json, "duplicate", receipt.duplicate);
	json_object_end(&json);
}
