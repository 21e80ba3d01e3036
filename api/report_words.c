/* SPDX-License-Identifier: Apache-2.0 */
#include "api/report_words.h"

#include "api/json_strict.h"
#include "core/limits.h"
#include "core/reason.h"

static struct slice text_member(const struct json_object *object, const char *name)
{
	return slice_from_cstr(json_object_get_string(json_object_object_get(object, name)));
}

static void recipient_add(struct json_object *recipient, enum vocabulary vocabulary,
			  enum report_kind kind)
{
	struct vocabulary_class class_;
	struct vocabulary_names names;
	enum reason reason = REASON_NONE;

	(void)reason_from_word(text_member(recipient, "reason"), &reason);
	class_ = vocabulary_class(vocabulary, kind, reason);
	vocabulary_names(vocabulary, &names);
	json_object_object_add(recipient, names.class_, json_object_new_string(class_.class_));
	json_object_object_add(recipient, names.detail, json_object_new_string(class_.detail));
}

struct slice report_in_words(struct slice detail, enum vocabulary vocabulary, struct arena *arena)
{
	struct json_object *report = NULL, *recipients;
	enum report_kind kind = REPORT_NONE;

	if (vocabulary == VOCABULARY_NONE ||
	    json_strict_parse(detail, LIMIT_JSON_DEPTH, &report).detail)
		return detail;
	(void)report_kind_from_word(text_member(report, "kind"), &kind);
	recipients = json_object_object_get(report, "recipients");
	for (size_t i = 0; recipients && i < json_object_array_length(recipients); i++)
		recipient_add(json_object_array_get_idx(recipients, i), vocabulary, kind);
	detail = arena_copy(
		arena, slice_from_cstr(json_object_to_json_string_ext(
			       report, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
	json_object_put(report);
	return detail;
}
