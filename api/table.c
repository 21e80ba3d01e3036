/* SPDX-License-Identifier: Apache-2.0 */
#include "api/table.h"

#include <assert.h>

#include "api/csv.h"
#include "core/limits.h"
#include "core/timestamp.h"

static struct buf *out(const struct table *table)
{
	return &table->call->response->body;
}

static bool is_csv(const struct table *table)
{
	return table->call->format == FORMAT_CSV;
}

static void csv_cell(struct table *table, struct slice value)
{
	if (table->at > 1)
		buf_append_byte(out(table), ',');
	csv_field(out(table), value, table->call->csv_safe);
}

static void init(struct table *table, struct call *call, const char *const *columns, size_t count)
{
	*table = (struct table){
		.call = call,
		.columns = columns,
		.column_count = count,
	};
	call->response->content_type = format_content_type(call->format);
	json_init(&table->json, out(table));
}

void table_begin(struct table *table, struct call *call, const char *const *columns, size_t count)
{
	init(table, call, columns, count);
	if (call->format == FORMAT_JSON) {
		json_object_begin(&table->json);
		json_key(&table->json, "results");
		json_array_begin(&table->json);
	} else if (is_csv(table)) {
		for (table->at = 1; table->at <= count; table->at++)
			csv_cell(table, slice_from_cstr(columns[table->at - 1]));
		buf_append(out(table), SLICE("\r\n"));
	}
}

void table_single(struct table *table, struct call *call, const char *const *columns, size_t count)
{
	assert(call->format == FORMAT_JSON);
	init(table, call, columns, count);
}

void table_end(struct table *table, struct slice next)
{
	struct call *call = table->call;

	if (call->format == FORMAT_JSON) {
		json_array_end(&table->json);
		json_key(&table->json, "links");
		json_object_begin(&table->json);
		json_put_optional(&table->json, "next", next);
		json_object_end(&table->json);
		json_object_end(&table->json);
	} else if (!slice_empty(next)) {
		response_header_add(
			call->response, "Link",
			arena_printf(call->arena, "<%.*s>; rel=\"next\"", SLICE_ARG(next)).ptr);
	}
}

bool table_full(const struct table *table)
{
	return out(table)->len >= LIMIT_HTTP_PAGE;
}

void table_row_begin(struct table *table)
{
	table->at = 0;
	if (table->call->format == FORMAT_NDJSON)
		json_init(&table->json, out(table));
	if (!is_csv(table))
		json_object_begin(&table->json);
}

void table_row_end(struct table *table)
{
	assert(table->at == table->column_count);
	if (is_csv(table)) {
		buf_append(out(table), SLICE("\r\n"));
		return;
	}
	json_object_end(&table->json);
	if (table->call->format == FORMAT_NDJSON)
		buf_append_byte(out(table), '\n');
}

/* Steps to the next column; true where its value goes into JSON, whose key is written then. */
static bool next_json(struct table *table)
{
	assert(table->at < table->column_count);
	table->at++;
	if (is_csv(table))
		return false;
	json_key(&table->json, table->columns[table->at - 1]);
	return true;
}

void table_text(struct table *table, struct slice value)
{
	if (!next_json(table))
		csv_cell(table, value);
	else if (slice_empty(value))
		json_null(&table->json);
	else
		json_string(&table->json, value);
}

void table_int(struct table *table, int64_t value)
{
	if (next_json(table))
		json_int(&table->json, value);
	else
		csv_cell(table, arena_printf(table->call->arena, "%lld", (long long)value));
}

void table_bool(struct table *table, bool value)
{
	if (next_json(table))
		json_bool(&table->json, value);
	else
		csv_cell(table, value ? SLICE("true") : SLICE("false"));
}

void table_null(struct table *table)
{
	table_text(table, SLICE_NONE);
}

void table_time(struct table *table, int64_t unix_ms)
{
	char text[TIME_TEXT_LEN + 1];

	if (unix_ms == TIME_NONE) {
		table_null(table);
		return;
	}
	time_format_rfc3339(unix_ms, text);
	table_text(table, slice_from(text, TIME_TEXT_LEN));
}

void table_uuid(struct table *table, const struct uuid *value)
{
	char text[UUID_TEXT_LEN + 1];

	uuid_format(value, text);
	table_text(table, slice_from(text, UUID_TEXT_LEN));
}

void table_raw(struct table *table, struct slice value)
{
	if (next_json(table))
		json_raw(&table->json, value);
	else
		csv_cell(table, value);
}
