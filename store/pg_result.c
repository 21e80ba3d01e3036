/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg.h"

#include <assert.h>
#include <string.h>

#include "core/timestamp.h"

#define OID_JSONB 3802
#define OID_TEXT  25

#define PG_EPOCH_MS INT64_C(946684800000)

void pg_result_cleanup(PGresult **result)
{
	PQclear(*result);
	*result = NULL;
}

/* PQfnumber() folds case and allocates; our names are exact. */
static int column_find(const PGresult *result, const char *column)
{
	int count = PQnfields(result);

	for (int i = 0; i < count; i++) {
		if (strcmp(PQfname(result, i), column) == 0)
			return i;
	}
	assert(!"no such column in the result");
	return -1;
}

static uint64_t get_be(const char *bytes, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | (uint8_t)bytes[i];
	return value;
}

static struct slice cell(const PGresult *result, int row, int column)
{
	if (PQgetisnull(result, row, column))
		return SLICE_NONE;
	return slice_from(PQgetvalue(result, row, column),
			  (size_t)PQgetlength(result, row, column));
}

int pg_rows(const PGresult *result)
{
	return PQntuples(result);
}

int64_t pg_affected(PGresult *result)
{
	uint64_t count = 0;

	return slice_to_u64(slice_from_cstr(PQcmdTuples(result)), &count) ? (int64_t)count : 0;
}

bool pg_is_null(const PGresult *result, int row, const char *column)
{
	return PQgetisnull(result, row, column_find(result, column));
}

int64_t pg_int(const PGresult *result, int row, const char *column)
{
	struct slice s = cell(result, row, column_find(result, column));

	switch (s.len) {
	case 0:
		return 0;
	case 2:
		return (int16_t)get_be(s.ptr, 2);
	case 4:
		return (int32_t)get_be(s.ptr, 4);
	default:
		assert(s.len == 8);
		return (int64_t)get_be(s.ptr, 8);
	}
}

bool pg_bool(const PGresult *result, int row, const char *column)
{
	struct slice s = cell(result, row, column_find(result, column));

	assert(s.len <= 1);
	return s.len == 1 && s.ptr[0] != 0;
}

struct slice pg_text(const PGresult *result, int row, const char *column)
{
	int number = column_find(result, column);
	struct slice s = cell(result, row, number);

	/* jsonb travels with a version byte in front. */
	return PQftype(result, number) == OID_JSONB ? slice_skip(s, 1) : s;
}

struct slice pg_bytes(const PGresult *result, int row, const char *column)
{
	return cell(result, row, column_find(result, column));
}

struct uuid pg_uuid(const PGresult *result, int row, const char *column)
{
	struct slice s = cell(result, row, column_find(result, column));
	struct uuid uuid = { { 0 } };

	assert(s.len == 0 || s.len == sizeof(uuid.bytes));
	if (s.len > 0)
		memcpy(uuid.bytes, s.ptr, s.len);
	return uuid;
}

int64_t pg_time(const PGresult *result, int row, const char *column)
{
	struct slice s = cell(result, row, column_find(result, column));

	assert(s.len == 0 || s.len == 8);
	if (s.len == 0)
		return TIME_NONE;

	/* Floor, so that what lies before 2000 keeps its millisecond too. */
	int64_t us = (int64_t)get_be(s.ptr, 8);
	int64_t ms = us / 1000 - (us % 1000 < 0);
	return ms + PG_EPOCH_MS;
}

const struct slice *pg_text_array(const PGresult *result, int row, const char *column,
				  struct arena *arena, size_t *ret_count)
{
	struct slice s = cell(result, row, column_find(result, column));

	*ret_count = 0;
	/* An empty array has no dimension and ends behind its type. */
	if (s.len < 20)
		return NULL;
	assert(get_be(s.ptr, 4) == 1 && get_be(s.ptr + 8, 4) == OID_TEXT);

	size_t count = get_be(s.ptr + 12, 4);
	struct slice *items = ARENA_ARRAY(arena, struct slice, count);
	s = slice_skip(s, 20);
	for (size_t i = 0; i < count; i++) {
		size_t len = get_be(s.ptr, 4);
		if (len == UINT32_MAX) /* NULL */
			len = 0;
		items[i] = arena_copy(arena, slice_head(slice_skip(s, 4), len));
		s = slice_skip(s, 4 + len);
	}
	*ret_count = count;
	return items;
}
