/* SPDX-License-Identifier: Apache-2.0 */
#include "app/record.h"

#include "core/timestamp.h"

#define LINE_MAX_BYTES (64 * 1024)

/* As in a JSON string, since its escapes make text safe; but quotes need none here. */
static void append_escaped(struct buf *out, struct slice text)
{
	struct json_writer json;
	struct buf quoted;

	buf_init(&quoted, LINE_MAX_BYTES);
	json_init(&json, &quoted);
	json_string(&json, text);
	for (size_t i = 1; i + 1 < quoted.len; i++) {
		if (quoted.data[i] == '\\' && quoted.data[i + 1] != '"')
			buf_append_byte(out, quoted.data[i++]);
		else if (quoted.data[i] == '\\')
			i++;
		buf_append_byte(out, quoted.data[i]);
	}
	buf_done(&quoted);
}

void record_print_text(FILE *out, struct slice text)
{
	struct buf escaped;

	buf_init(&escaped, LINE_MAX_BYTES);
	append_escaped(&escaped, text);
	fwrite(escaped.data, 1, escaped.len, out);
	buf_done(&escaped);
}

void record_begin(struct record *record, bool as_json)
{
	buf_init(&record->line, LINE_MAX_BYTES);
	json_init(&record->json, &record->line);
	record->as_json = as_json;
	if (as_json)
		json_object_begin(&record->json);
}

static void separate(struct record *record)
{
	if (record->line.len > 0)
		buf_append_byte(&record->line, '\t');
}

void record_text(struct record *record, const char *name, struct slice text)
{
	if (record->as_json) {
		json_put_optional(&record->json, name, text);
		return;
	}
	separate(record);
	append_escaped(&record->line, slice_empty(text) ? SLICE("-") : text);
}

void record_number(struct record *record, const char *name, uint64_t value)
{
	if (record->as_json) {
		json_put_int(&record->json, name, (int64_t)value);
		return;
	}
	separate(record);
	buf_printf(&record->line, "%llu", (unsigned long long)value);
}

void record_bool(struct record *record, const char *name, bool value)
{
	if (record->as_json)
		json_put_bool(&record->json, name, value);
	else
		record_text(record, name, value ? SLICE("yes") : SLICE("no"));
}

void record_time(struct record *record, const char *name, int64_t unix_ms)
{
	char text[TIME_TEXT_LEN + 1];

	if (unix_ms == TIME_NONE) {
		record_text(record, name, SLICE_NONE);
		return;
	}
	time_format_rfc3339(unix_ms, text);
	record_text(record, name, slice_from_cstr(text));
}

void record_end(struct record *record, FILE *out)
{
	if (record->as_json)
		json_object_end(&record->json);
	buf_append_byte(&record->line, '\n');
	fwrite(record->line.data, 1, record->line.len, out);
	buf_done(&record->line);
}
