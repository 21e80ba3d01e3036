/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "core/timestamp.h"
#include "core/utf8.h"

/* Of the system catalogue, fixed for ever (pg_type.dat); libpq's headers do not bring them. */
enum pg_oid {
	OID_BOOL = 16,
	OID_BYTEA = 17,
	OID_INT8 = 20,
	OID_TEXT = 25,
	OID_BOOL_ARRAY = 1000,
	OID_BYTEA_ARRAY = 1001,
	OID_TEXT_ARRAY = 1009,
	OID_INT8_ARRAY = 1016,
	OID_TIMESTAMPTZ = 1184,
	OID_TIMESTAMPTZ_ARRAY = 1185,
	OID_UUID = 2950,
	OID_UUID_ARRAY = 2951,
};

/* PostgreSQL counts microseconds from 2000-01-01. */
#define PG_EPOCH_MS INT64_C(946684800000)
/* 0001-01-01 and 9999-12-31T23:59:59.999: what every reader of ours can print. */
#define PG_TIME_MIN (-INT64_C(62135596800000))
#define PG_TIME_MAX INT64_C(253402300799999)

#define ARRAY_HEADER_LEN 20

static void put_be32(char *out, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (char)(value >> (24 - 8 * i));
}

static void put_be64(char *out, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		out[i] = (char)(value >> (56 - 8 * i));
}

static bool time_storable(int64_t unix_ms)
{
	return unix_ms >= PG_TIME_MIN && unix_ms <= PG_TIME_MAX;
}

static void put_time(char *out, int64_t unix_ms)
{
	put_be64(out, (uint64_t)((unix_ms - PG_EPOCH_MS) * 1000));
}

static void param_add(struct pg_params *params, enum pg_oid type, const char *value, size_t len)
{
	assert(params->count < PG_PARAMS_MAX && len <= INT_MAX);
	params->types[params->count] = type;
	params->values[params->count] = value;
	params->lengths[params->count] = (int)len;
	params->count++;
}

void pg_params_init(struct pg_params *params, struct arena *arena)
{
	params->arena = arena;
	params->once = false;
	params->count = 0;
}

void pg_param_int8(struct pg_params *params, int64_t value)
{
	char *out = arena_alloc(params->arena, 8);

	put_be64(out, (uint64_t)value);
	param_add(params, OID_INT8, out, 8);
}

void pg_param_bool(struct pg_params *params, bool value)
{
	param_add(params, OID_BOOL, value ? "\1" : "\0", 1);
}

void pg_param_text(struct pg_params *params, struct slice value)
{
	struct slice repaired = utf8_repair(params->arena, value);

	/* A null pointer would mean NULL. */
	param_add(params, OID_TEXT, repaired.ptr ? repaired.ptr : "", repaired.len);
}

void pg_param_text_optional(struct pg_params *params, struct slice value)
{
	if (slice_empty(value))
		param_add(params, OID_TEXT, NULL, 0);
	else
		pg_param_text(params, value);
}

void pg_param_bytea(struct pg_params *params, struct slice value)
{
	param_add(params, OID_BYTEA, value.ptr ? value.ptr : "", value.len);
}

void pg_param_uuid(struct pg_params *params, const struct uuid *value)
{
	struct slice bytes = slice_from((const char *)value->bytes, sizeof(value->bytes));

	param_add(params, OID_UUID, arena_copy(params->arena, bytes).ptr, bytes.len);
}

void pg_param_time(struct pg_params *params, int64_t unix_ms)
{
	char *out = NULL;

	if (time_storable(unix_ms)) {
		out = arena_alloc(params->arena, 8);
		put_time(out, unix_ms);
	}
	param_add(params, OID_TIMESTAMPTZ, out, 8);
}

/* -- arrays: dimensions, null flag, element type; size and lower bound; then length and bytes each
 * -- */

/* size: of all elements with their lengths. Returns where the first element goes. */
static char *array_begin(struct pg_params *params, enum pg_oid array, enum pg_oid element,
			 size_t count, size_t size)
{
	char *out = arena_alloc(params->arena, ARRAY_HEADER_LEN + size);

	assert(count <= INT_MAX);
	put_be32(out, 1);
	put_be32(out + 4, array == OID_TIMESTAMPTZ_ARRAY);
	put_be32(out + 8, element);
	put_be32(out + 12, (uint32_t)count);
	put_be32(out + 16, 1);
	param_add(params, array, out, ARRAY_HEADER_LEN + size);
	return out + ARRAY_HEADER_LEN;
}

static char *put_element(char *out, struct slice bytes)
{
	put_be32(out, (uint32_t)bytes.len);
	if (bytes.len > 0)
		memcpy(out + 4, bytes.ptr, bytes.len);
	return out + 4 + bytes.len;
}

static size_t elements_size(const struct slice *values, size_t count)
{
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		size += 4 + values[i].len;
	return size;
}

void pg_param_int8_array(struct pg_params *params, const int64_t *values, size_t count)
{
	char *out = array_begin(params, OID_INT8_ARRAY, OID_INT8, count, count * 12);

	for (size_t i = 0; i < count; i++, out += 12) {
		put_be32(out, 8);
		put_be64(out + 4, (uint64_t)values[i]);
	}
}

void pg_param_bool_array(struct pg_params *params, const bool *values, size_t count)
{
	char *out = array_begin(params, OID_BOOL_ARRAY, OID_BOOL, count, count * 5);

	for (size_t i = 0; i < count; i++, out += 5) {
		put_be32(out, 1);
		out[4] = values[i];
	}
}

void pg_param_text_array(struct pg_params *params, const struct slice *values, size_t count)
{
	struct slice *repaired = ARENA_ARRAY(params->arena, struct slice, count);

	for (size_t i = 0; i < count; i++)
		repaired[i] = utf8_repair(params->arena, values[i]);

	char *out = array_begin(params, OID_TEXT_ARRAY, OID_TEXT, count,
				elements_size(repaired, count));
	for (size_t i = 0; i < count; i++)
		out = put_element(out, repaired[i]);
}

void pg_param_bytea_array(struct pg_params *params, const struct slice *values, size_t count)
{
	char *out = array_begin(params, OID_BYTEA_ARRAY, OID_BYTEA, count,
				elements_size(values, count));

	for (size_t i = 0; i < count; i++)
		out = put_element(out, values[i]);
}

void pg_param_uuid_array(struct pg_params *params, const struct uuid *values, size_t count)
{
	char *out = array_begin(params, OID_UUID_ARRAY, OID_UUID, count, count * 20);

	for (size_t i = 0; i < count; i++)
		out = put_element(out, slice_from((const char *)values[i].bytes, 16));
}

void pg_param_time_array(struct pg_params *params, const int64_t *unix_ms, size_t count)
{
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		size += time_storable(unix_ms[i]) ? 12 : 4;

	char *out = array_begin(params, OID_TIMESTAMPTZ_ARRAY, OID_TIMESTAMPTZ, count, size);
	for (size_t i = 0; i < count; i++) {
		if (time_storable(unix_ms[i])) {
			put_be32(out, 8);
			put_time(out + 4, unix_ms[i]);
			out += 12;
		} else {
			put_be32(out, UINT32_MAX); /* NULL */
			out += 4;
		}
	}
}
