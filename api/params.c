/* SPDX-License-Identifier: Apache-2.0 */
#include "api/params.h"

#include "api/problem.h"
#include "core/address.h"
#include "core/limits.h"
#include "core/timestamp.h"

static bool refuse(struct call *call, const char *name, const char *detail)
{
	problem_param(call, name, detail);
	return false;
}

bool param_time(struct call *call, const char *name, int64_t *ret_value)
{
	const struct param *param = request_param(call->request, name);

	if (!param || time_parse_rfc3339(param->value, ret_value))
		return true;
	return refuse(call, name, "a point in time as RFC 3339, such as 2026-01-31T00:00:00Z");
}

bool param_number(struct call *call, const char *name, uint64_t *ret_value)
{
	const struct param *param = request_param(call->request, name);
	uint64_t value;

	if (!param)
		return true;
	if (!slice_to_u64(param->value, &value) || value == 0 || value > INT64_MAX)
		return refuse(call, name, "a number from 1 on");
	*ret_value = value;
	return true;
}

bool param_flag(struct call *call, const char *name, bool *ret_value)
{
	const struct param *param = request_param(call->request, name);

	if (!param)
		return true;
	if (!slice_equal(param->value, SLICE("0")) && !slice_equal(param->value, SLICE("1")))
		return refuse(call, name, "0 or 1");
	*ret_value = param->value.ptr[0] == '1';
	return true;
}

bool param_address(struct call *call, const char *name, struct slice *ret_value)
{
	const struct param *param = request_param(call->request, name);
	struct slice key;

	if (!param)
		return true;
	key = param->value.len > LIMIT_ADDRESS ? SLICE_NONE
					       : address_normalise(call->arena, param->value);
	if (slice_empty(key))
		return refuse(call, name, "a mail address");
	*ret_value = key;
	return true;
}

bool param_text(struct call *call, const char *name, struct slice *ret_value)
{
	const struct param *param = request_param(call->request, name);

	if (!param)
		return true;
	if (slice_empty(param->value))
		return refuse(call, name, "must not be empty");
	*ret_value = param->value;
	return true;
}

bool param_word(struct call *call, const char *name, bool (*known)(struct slice word),
		struct slice *ret_value)
{
	const struct param *param = request_param(call->request, name);

	if (!param)
		return true;
	if (!known(param->value))
		return refuse(call, name, "not a word that is known here");
	*ret_value = param->value;
	return true;
}

bool param_vocabulary(struct call *call, enum vocabulary *ret_value)
{
	const struct param *param = request_param(call->request, "vocabulary");

	if (!param || vocabulary_from_word(param->value, ret_value))
		return true;
	return refuse(call, "vocabulary", "not a word that is known here");
}

bool param_page(struct call *call, struct page *ret_page)
{
	const struct param *cursor = request_param(call->request, "cursor");
	uint64_t limit = LIMIT_PAGE_DEFAULT;

	*ret_page = (struct page){
		.scope = { call->principal.account_id, cursor_filter_hash(call->request) },
	};
	if (!param_number(call, "limit", &limit))
		return false;
	if (limit > LIMIT_PAGE_MAX)
		return refuse(call, "limit", "at most 10000");
	ret_page->limit = (unsigned)limit;
	if (!cursor)
		return true;
	ret_page->continued = cursor_parse(cursor->value, &ret_page->scope,
					   call->options->cursor_key, &ret_page->position);
	if (!ret_page->continued)
		problem_field(call, 400, "invalid_cursor", "cursor",
			      "not from this list with these filters; begin without a cursor");
	return ret_page->continued;
}

struct slice page_next(const struct call *call, const struct page *page,
		       const struct cursor_position *position)
{
	struct slice cursor =
		cursor_format(position, &page->scope, call->options->cursor_key, call->arena);
	struct slice query = SLICE_NONE, rest = call->request->query, field;

	while (slice_next_field(&rest, '&', &field))
		if (!slice_starts_with(field, SLICE("cursor=")))
			query = arena_printf(call->arena, "%.*s%.*s&", SLICE_ARG(query),
					     SLICE_ARG(field));
	return arena_printf(call->arena, "%.*s?%.*scursor=%.*s", SLICE_ARG(call->request->path),
			    SLICE_ARG(query), SLICE_ARG(cursor));
}
