/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json.h"

#include <assert.h>

#include "core/timestamp.h"
#include "core/utf8.h"

void json_init(struct json_writer *json, struct buf *out)
{
	*json = (struct json_writer){ .out = out };
}

static void separate(struct json_writer *json)
{
	if (json->after_key) {
		json->after_key = false;
		return;
	}
	if (json->need_comma[json->depth])
		buf_append_byte(json->out, ',');
	json->need_comma[json->depth] = true;
}

static void begin(struct json_writer *json, char bracket)
{
	separate(json);
	assert(json->depth + 1 < JSON_DEPTH_MAX);
	json->need_comma[++json->depth] = false;
	buf_append_byte(json->out, bracket);
}

static void end(struct json_writer *json, char bracket)
{
	assert(json->depth > 0 && !json->after_key);
	json->depth--;
	buf_append_byte(json->out, bracket);
}

void json_object_begin(struct json_writer *json)
{
	begin(json, '{');
}

void json_object_end(struct json_writer *json)
{
	end(json, '}');
}

void json_array_begin(struct json_writer *json)
{
	begin(json, '[');
}

void json_array_end(struct json_writer *json)
{
	end(json, ']');
}

void json_key(struct json_writer *json, const char *name)
{
	assert(!json->after_key);
	json_string(json, slice_from_cstr(name));
	buf_append_byte(json->out, ':');
	json->after_key = true;
}

/* Characters that change how a terminal or a log viewer shows what surrounds them. */
static bool must_escape(int32_t code)
{
	return code < 0x20 || code == '"' || code == '\\' || (code >= 0x7F && code < 0xA0) ||
	       code == 0x061C || (code >= 0x200E && code <= 0x200F) ||
	       (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
	       code == 0xFEFF;
}

static void escape(struct buf *out, int32_t code)
{
	switch (code) {
	case '"':
		buf_append(out, SLICE("\\\""));
		break;
	case '\\':
		buf_append(out, SLICE("\\\\"));
		break;
	case '\n':
		buf_append(out, SLICE("\\n"));
		break;
	case '\r':
		buf_append(out, SLICE("\\r"));
		break;
	case '\t':
		buf_append(out, SLICE("\\t"));
		break;
	default:
		buf_printf(out, "\\u%04x", (unsigned)code);
		break;
	}
}

static bool plain_ascii(char c)
{
	return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

void json_string(struct json_writer *json, struct slice text)
{
	separate(json);
	buf_append_byte(json->out, '"');
	while (text.len > 0) {
		size_t run = 0;

		while (run < text.len && plain_ascii(text.ptr[run]))
			run++;
		buf_append(json->out, slice_head(text, run));
		text = slice_skip(text, run);
		if (text.len == 0)
			break;
		struct slice rest = text;
		int32_t code = utf8_next(&rest);

		/* U+0000 is repaired too: PostgreSQL's jsonb refuses it */
		if (code <= 0)
			buf_append(json->out, SLICE("\xEF\xBF\xBD"));
		else if (must_escape(code))
			escape(json->out, code);
		else
			buf_append(json->out, slice_head(text, text.len - rest.len));
		text = rest;
	}
	buf_append_byte(json->out, '"');
}

void json_int(struct json_writer *json, int64_t value)
{
	separate(json);
	buf_printf(json->out, "%lld", (long long)value);
}

void json_bool(struct json_writer *json, bool value)
{
	separate(json);
	buf_append_cstr(json->out, value ? "true" : "false");
}

void json_null(struct json_writer *json)
{
	separate(json);
	buf_append(json->out, SLICE("null"));
}

void json_time(struct json_writer *json, int64_t unix_ms)
{
	char text[TIME_TEXT_LEN + 1];

	if (unix_ms == TIME_NONE) {
		json_null(json);
		return;
	}
	time_format_rfc3339(unix_ms, text);
	json_string(json, slice_from(text, TIME_TEXT_LEN));
}

void json_uuid(struct json_writer *json, const struct uuid *uuid)
{
	char text[UUID_TEXT_LEN + 1];

	uuid_format(uuid, text);
	json_string(json, slice_from(text, UUID_TEXT_LEN));
}

void json_raw(struct json_writer *json, struct slice value)
{
	if (value.len == 0) {
		json_null(json);
		return;
	}
	separate(json);
	/* Outside of strings JSON is ASCII, so whatever is not can be escaped where it stands. */
	while (value.len > 0) {
		struct slice rest = value;
		int32_t code = utf8_next(&rest);

		if (code < 0)
			buf_append(json->out, SLICE("\xEF\xBF\xBD"));
		else if (code >= 0x7F && must_escape(code))
			escape(json->out, code);
		else
			buf_append(json->out, slice_head(value, value.len - rest.len));
		value = rest;
	}
}

void json_put_string(struct json_writer *json, const char *name, struct slice text)
{
	json_key(json, name);
	json_string(json, text);
}

void json_put_cstr(struct json_writer *json, const char *name, const char *text)
{
	json_put_string(json, name, slice_from_cstr(text));
}

void json_put_optional(struct json_writer *json, const char *name, struct slice text)
{
	json_key(json, name);
	if (slice_empty(text))
		json_null(json);
	else
		json_string(json, text);
}

void json_put_int(struct json_writer *json, const char *name, int64_t value)
{
	json_key(json, name);
	json_int(json, value);
}

void json_put_bool(struct json_writer *json, const char *name, bool value)
{
	json_key(json, name);
	json_bool(json, value);
}

void json_put_time(struct json_writer *json, const char *name, int64_t unix_ms)
{
	json_key(json, name);
	json_time(json, unix_ms);
}

void json_put_uuid(struct json_writer *json, const char *name, const struct uuid *uuid)
{
	json_key(json, name);
	json_uuid(json, uuid);
}

void json_put_raw(struct json_writer *json, const char *name, struct slice value)
{
	json_key(json, name);
	json_raw(json, value);
}
