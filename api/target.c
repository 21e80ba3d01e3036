/* SPDX-License-Identifier: Apache-2.0 */
#include "api/target.h"

#include "core/encoding.h"
#include "core/utf8.h"

static bool is_path_char(char c)
{
	/* unreserved, sub-delims, ":" and "@" */
	return ascii_is_alnum(c) || slice_find_byte(SLICE("-._~!$&'()*+,;=:@"), c) >= 0;
}

static bool is_query_char(char c)
{
	return is_path_char(c) || c == '/' || c == '?';
}

static bool is_control(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return true;
	return false;
}

/* Checks `text` against the allowed characters and decodes its escapes. NULL, or why not. */
static const char *decode(struct slice text, bool (*allowed)(char), struct arena *arena,
			  struct slice *ret_text)
{
	char *out = arena_alloc(arena, text.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte;

		if (text.ptr[i] != '%') {
			if (!allowed(text.ptr[i]))
				return "a character that must be percent-encoded";
			out[len++] = text.ptr[i];
			continue;
		}
		if (hex_decode(slice_head(slice_skip(text, i + 1), 2), &byte, 1) != 1)
			return "a broken percent escape";
		out[len++] = (char)byte;
		i += 2;
	}
	*ret_text = slice_from(out, len);
	if (is_control(*ret_text))
		return "an encoded control character";
	if (!utf8_valid(*ret_text))
		return "invalid UTF-8";
	return NULL;
}

static const char *parse_path(struct request *request, struct arena *arena)
{
	struct slice rest = slice_skip(request->path, 1);

	request->segments = ARENA_ARRAY(arena, struct slice, TARGET_SEGMENTS_MAX);
	request->segment_count = 0;
	if (slice_empty(rest))
		return NULL;
	for (bool more = true; more;) {
		ptrdiff_t slash = slice_find_byte(rest, '/');
		struct slice raw = slash < 0 ? rest : slice_head(rest, (size_t)slash);
		struct slice segment;
		const char *fault = decode(raw, is_path_char, arena, &segment);

		if (fault)
			return fault;
		if (slice_empty(segment) || slice_equal(segment, SLICE(".")) ||
		    slice_equal(segment, SLICE("..")))
			return "an empty or dot segment";
		if (request->segment_count == TARGET_SEGMENTS_MAX)
			return "too many segments";
		request->segments[request->segment_count++] = segment;
		more = slash >= 0;
		rest = slice_skip(rest, raw.len + 1);
	}
	return NULL;
}

static const char *parse_query(struct request *request, struct arena *arena)
{
	struct slice rest = request->query;
	struct slice field;

	request->params = ARENA_ARRAY(arena, struct param, TARGET_PARAMS_MAX);
	request->param_count = 0;
	while (slice_next_field(&rest, '&', &field)) {
		ptrdiff_t equals = slice_find_byte(field, '=');
		struct slice name = equals < 0 ? field : slice_head(field, (size_t)equals);
		struct slice value =
			equals < 0 ? SLICE_NONE : slice_skip(field, (size_t)equals + 1);
		struct param param;
		const char *fault = decode(name, is_query_char, arena, &param.name);

		if (!fault)
			fault = decode(value, is_query_char, arena, &param.value);
		if (fault)
			return fault;
		if (slice_empty(param.name))
			return "a parameter without a name";
		if (request->param_count == TARGET_PARAMS_MAX)
			return "too many parameters";
		request->params[request->param_count++] = param;
	}
	return NULL;
}

const char *target_parse(struct request *request, struct arena *arena)
{
	ptrdiff_t mark = slice_find_byte(request->target, '?');
	const char *fault;

	if (!slice_starts_with(request->target, SLICE("/")))
		return "not a path";
	request->path = mark < 0 ? request->target : slice_head(request->target, (size_t)mark);
	request->query = mark < 0 ? SLICE_NONE : slice_skip(request->target, (size_t)mark + 1);
	fault = parse_path(request, arena);
	return fault ? fault : parse_query(request, arena);
}
