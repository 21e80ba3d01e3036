/* SPDX-License-Identifier: Apache-2.0 */
#include "core/report_json.h"

static void recipient_json(struct json_writer *json, const struct report_recipient *recipient,
			   enum report_kind kind, enum vocabulary vocabulary)
{
	json_object_begin(json);
	json_put_string(json, "address", recipient->address);
	json_put_optional(json, "original", recipient->original);
	json_put_cstr(json, "action", report_action_word(recipient->action));
	json_put_string(json, "status", recipient->status);
	json_put_string(json, "reply_code", recipient->reply_code);
	json_put_cstr(json, "reason", reason_word(recipient->reason));
	json_put_cstr(json, "severity", severity_word(recipient->severity));
	json_put_cstr(json, "class", reason_class_word(recipient->class_));
	json_put_optional(json, "remote_mta", recipient->remote_mta);
	json_put_optional(json, "diagnostic", recipient->diagnostic);
	json_put_optional(json, "rule", recipient->rule);
	json_put_optional(json, "matched", recipient->matched);
	if (recipient->redacted)
		json_put_bool(json, "redacted", true);
	vocabulary_json(json, vocabulary, kind, recipient->reason);
	json_object_end(json);
}

static void identifiers_json(struct json_writer *json, const struct report_original *original)
{
	json_key(json, "identifiers");
	json_array_begin(json);
	for (size_t i = 0; i < original->identifier_count; i++) {
		json_object_begin(json);
		json_put_string(json, "scheme", original->identifiers[i].scheme);
		json_put_string(json, "value", original->identifiers[i].value);
		json_object_end(json);
	}
	json_array_end(json);
}

static void original_json(struct json_writer *json, const struct report_original *original)
{
	json_object_begin(json);
	json_put_optional(json, "message_id", original->message_id);
	json_put_optional(json, "subject", original->subject);
	json_put_optional(json, "from", original->from);
	json_put_optional(json, "to", original->to);
	json_put_optional(json, "date", original->date);
	json_put_optional(json, "return_path", original->return_path);
	json_put_optional(json, "list_id", original->list_id);
	json_put_optional(json, "list_unsubscribe", original->list_unsubscribe);
	json_put_optional(json, "feedback_id", original->feedback_id);
	json_put_optional(json, "cfbl_feedback_id", original->cfbl_feedback_id);
	if (original->identifier_count > 0)
		identifiers_json(json, original);
	json_object_end(json);
}

void report_json_members(struct json_writer *json, const struct report *report,
			 enum vocabulary vocabulary)
{
	json_put_cstr(json, "kind", report_kind_word(report->kind));
	json_put_optional(json, "format", report->format);
	json_put_optional(json, "reporting_mta", report->reporting_mta);
	json_put_time(json, "arrival_date", report->arrival_date);
	json_put_optional(json, "feedback_type", report->feedback_type);
	json_put_optional(json, "source_ip", report->source_ip);
	json_put_optional(json, "message_id", report->message_id);
	json_put_optional(json, "from", report->from);
	json_put_optional(json, "subject", report->subject);
	json_put_time(json, "date", report->date);
	json_key(json, "recipients");
	json_array_begin(json);
	for (size_t i = 0; i < report->recipient_count; i++)
		recipient_json(json, &report->recipients[i], report->kind, vocabulary);
	json_array_end(json);
	json_key(json, "original");
	if (report->original.present || report->original.identifier_count > 0)
		original_json(json, &report->original);
	else
		json_null(json);
	if (!slice_empty(report->quarantine))
		json_put_string(json, "quarantine", report->quarantine);
	if (!slice_empty(report->flags))
		json_put_string(json, "flags", report->flags);
}
