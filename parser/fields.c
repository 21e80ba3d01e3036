/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/fields.h"

#include "core/limits.h"

void fields_init(struct fields *fields, struct slice text, struct arena *arena)
{
	*fields = (struct fields){ .rest = text, .arena = arena, .behind_empty_line = true };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Splits "Name : value"; false where the line is no field. */
static bool split(struct slice line, struct field *ret_field)
{
	size_t end = 0;

	while (end < line.len && (ascii_is_alnum(line.ptr[end]) || line.ptr[end] == '-' ||
				  line.ptr[end] == '_' || line.ptr[end] == '.'))
		end++;
	size_t colon = end;
	while (colon < line.len && is_blank(line.ptr[colon]))
		colon++;
	if (end == 0 || colon == line.len || line.ptr[colon] != ':')
		return false;
	ret_field->name = slice_head(line, end);
	ret_field->value = slice_skip(line, colon + 1);
	return true;
}

/* Takes the folded lines below a field off *rest and returns the end of the last one. */
static const char *take_folds(struct slice *rest, const char *end)
{
	struct slice ahead = *rest;
	struct slice line;

	while (ahead.len > 0 && is_blank(ahead.ptr[0]) && slice_next_line(&ahead, &line)) {
		if (slice_trim(line).len == 0)
			break; /* an empty line to the eye */
		end = line.ptr + line.len;
		*rest = ahead;
	}
	return end;
}

bool fields_next(struct fields *fields, struct field *ret_field)
{
	struct slice line;
	struct field field;

	while (slice_next_line(&fields->rest, &line)) {
		if (slice_trim(line).len == 0) {
			fields->behind_empty_line = true;
			continue;
		}
		if (!split(line, &field))
			continue;
		const char *end = take_folds(&fields->rest, line.ptr + line.len);
		struct slice raw = slice_from(field.value.ptr, (size_t)(end - field.value.ptr));
		field.value = field_fold(fields->arena, slice_head(raw, LIMIT_DIAGNOSTIC));
		field.begins_block = fields->behind_empty_line;
		fields->behind_empty_line = false;
		*ret_field = field;
		return true;
	}
	return false;
}

/* A type is an atom before the semicolon: RFC 3464 2.1.2. "rfc/822" occurs. */
static size_t type_len(struct slice value)
{
	size_t end = 0;

	while (end < value.len &&
	       (ascii_is_alnum(value.ptr[end]) || value.ptr[end] == '-' || value.ptr[end] == '_' ||
		value.ptr[end] == '.' || value.ptr[end] == '/'))
		end++;
	size_t semicolon = end;
	while (semicolon < value.len && is_blank(value.ptr[semicolon]))
		semicolon++;
	return semicolon < value.len && value.ptr[semicolon] == ';' ? end : 0;
}

struct slice field_type(struct slice value)
{
	return slice_head(value, type_len(value));
}

struct slice field_untyped(struct slice value)
{
	size_t end = type_len(value);

	if (end == 0)
		return slice_starts_with(value, SLICE(";")) ? slice_trim(slice_skip(value, 1))
							    : value;
	ptrdiff_t semicolon = slice_find_byte(value, ';');
	return slice_trim(slice_skip(value, (size_t)semicolon + 1));
}

struct slice field_bare(struct slice value)
{
	value = slice_trim(value);
	if (value.len >= 2 && value.ptr[0] == '<' && value.ptr[value.len - 1] == '>')
		return slice_from(value.ptr + 1, value.len - 2);
	return value;
}

struct slice field_host(struct slice value)
{
	struct slice name = field_untyped(value);
	size_t end = 0;

	while (end < name.len && !ascii_is_space(name.ptr[end]) && name.ptr[end] != '(')
		end++;
	return field_bare(slice_head(name, end));
}

struct slice field_fold(struct arena *arena, struct slice text)
{
	struct slice trimmed = slice_trim(text);
	bool folded = true;

	for (size_t i = 0; i < trimmed.len && folded; i++)
		folded = !ascii_is_space(trimmed.ptr[i]) ||
			 (trimmed.ptr[i] == ' ' && !ascii_is_space(trimmed.ptr[i + 1]));
	if (folded)
		return trimmed;
	char *out = arena_alloc(arena, trimmed.len);
	size_t len = 0;
	for (size_t i = 0; i < trimmed.len; i++) {
		if (!ascii_is_space(trimmed.ptr[i]))
			out[len++] = trimmed.ptr[i];
		else if (!ascii_is_space(trimmed.ptr[i - 1]))
			out[len++] = ' ';
	}
	return slice_from(out, len);
}
