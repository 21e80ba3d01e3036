/* SPDX-License-Identifier: Apache-2.0 */
#include "api/body.h"

#include <json-c/json.h>
#include <string.h>

#include "api/json_strict.h"
#include "api/problem.h"
#include "core/limits.h"
#include "core/timestamp.h"

/* Nothing we take is deeper than an array of objects in an object. */
#define BODY_DEPTH 8

void body_cleanup(struct node *root)
{
	json_object_put(root->json);
}

bool body_refuse(const struct node *node, const char *name, const char *detail)
{
	problem_field(node->call, 400, "invalid_body",
		      arena_printf(node->call->arena, "%s/%s", node->pointer, name).ptr, detail);
	return false;
}

bool body_refuse_element(const struct node *array, size_t index, const char *detail)
{
	return body_refuse(array, arena_printf(array->call->arena, "%zu", index).ptr, detail);
}

bool body_parse(struct call *call, struct node *ret_root)
{
	struct slice text = call->request->body;
	struct json_fault fault;

	*ret_root = (struct node){ call, NULL, "" };
	if (slice_empty(text)) {
		ret_root->json = json_object_new_object();
		return true;
	}
	fault = json_strict_parse(text, BODY_DEPTH, &ret_root->json);
	if (fault.detail)
		problem(call, 400, "invalid_json",
			arena_printf(call->arena, "%s, at byte %zu", fault.detail, fault.offset)
				.ptr);
	else if (!json_object_is_type(ret_root->json, json_type_object))
		problem(call, 400, "invalid_body", "the body must be an object");
	else
		return true;
	return false;
}

bool body_only(const struct node *node, const char *const *names)
{
	json_object_object_foreach(node->json, key, value)
	{
		bool known = false;

		(void)value;
		for (const char *const *name = names; *name; name++)
			known = known || strcmp(key, *name) == 0;
		if (!known)
			return body_refuse(node, key, "unknown member");
	}
	return true;
}

/* The member of that type. false: of another type; *ret_value NULL: absent. */
static bool member(const struct node *node, const char *name, enum json_type type,
		   const char *expected, struct json_object **ret_value)
{
	*ret_value = json_object_object_get(node->json, name);
	if (!*ret_value || json_object_is_type(*ret_value, type))
		return true;
	return body_refuse(node, name, expected);
}

static struct slice text_of(struct json_object *value)
{
	return slice_from(json_object_get_string(value), (size_t)json_object_get_string_len(value));
}

bool body_text(const struct node *node, const char *name, struct slice *ret_value)
{
	struct json_object *value;

	if (!member(node, name, json_type_string, "must be a string", &value))
		return false;
	if (value)
		*ret_value = text_of(value);
	return true;
}

bool body_number(const struct node *node, const char *name, uint64_t *ret_value)
{
	struct json_object *value;

	if (!member(node, name, json_type_int, "must be a whole number", &value))
		return false;
	if (!value)
		return true;
	if (json_object_get_int64(value) < 0)
		return body_refuse(node, name, "must not be negative");
	*ret_value = (uint64_t)json_object_get_int64(value);
	return true;
}

bool body_time(const struct node *node, const char *name, int64_t *ret_value)
{
	struct slice text = SLICE_NONE;

	if (!body_text(node, name, &text))
		return false;
	if (slice_empty(text) || time_parse_rfc3339(text, ret_value))
		return true;
	return body_refuse(node, name, "must be a point in time as RFC 3339");
}

bool body_word(const struct node *node, const char *name, bool (*known)(struct slice word),
	       struct slice *ret_value)
{
	struct slice text = SLICE_NONE;

	if (!body_text(node, name, &text))
		return false;
	if (slice_empty(text))
		return true;
	if (!known(text))
		return body_refuse(node, name, "not a word that is known here");
	*ret_value = text;
	return true;
}

bool body_array(const struct node *node, const char *name, size_t max, struct node *ret_array,
		size_t *ret_count)
{
	struct json_object *value;

	*ret_count = 0;
	if (!member(node, name, json_type_array, "must be an array", &value))
		return false;
	*ret_array =
		(struct node){ node->call, value,
			       arena_printf(node->call->arena, "%s/%s", node->pointer, name).ptr };
	if (!value)
		return true;
	*ret_count = json_object_array_length(value);
	return *ret_count <= max || body_refuse(node, name, "too many elements");
}

bool body_element_text(const struct node *array, size_t index, struct slice *ret_value)
{
	struct json_object *value = json_object_array_get_idx(array->json, index);

	if (!json_object_is_type(value, json_type_string))
		return body_refuse_element(array, index, "must be a string");
	*ret_value = text_of(value);
	return true;
}

bool body_element(const struct node *array, size_t index, struct node *ret_element)
{
	struct json_object *value = json_object_array_get_idx(array->json, index);

	if (!json_object_is_type(value, json_type_object))
		return body_refuse_element(array, index, "must be an object");
	*ret_element = (struct node){
		array->call, value,
		arena_printf(array->call->arena, "%s/%zu", array->pointer, index).ptr
	};
	return true;
}
