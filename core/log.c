/* SPDX-License-Identifier: Apache-2.0 */
#include "core/log.h"

#include <unistd.h>

#include "core/buf.h"
#include "core/json.h"
#include "core/timestamp.h"

/* A line longer than this loses its last fields; a pipe keeps writes of up to 4096 bytes whole. */
#define LINE_MAX_BYTES  4000
#define FIELD_MAX_BYTES 1024

static struct {
	const char *role;
	int slot;
	enum log_level threshold;
} settings = { "bounced", -1, LOG_INFO };

static const char *const LEVEL_WORDS[] = { "debug", "info", "warning", "error" };

void log_init(const char *role, int slot, enum log_level threshold)
{
	settings.role = role;
	settings.slot = slot;
	settings.threshold = threshold;
}

bool log_level_parse(struct slice word, enum log_level *ret_level)
{
	for (unsigned i = 0; i < sizeof(LEVEL_WORDS) / sizeof(LEVEL_WORDS[0]); i++) {
		if (slice_equal(word, slice_from_cstr(LEVEL_WORDS[i]))) {
			*ret_level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static void write_fields(struct json_writer *json, const struct log_field *fields)
{
	for (const struct log_field *field = fields; field->type != LOG_FIELD_END; field++) {
		json_key(json, field->name);
		if (field->type == LOG_FIELD_INT)
			json_int(json, field->number);
		else
			json_string(json, slice_head(field->text, FIELD_MAX_BYTES));
	}
}

static void write_line(struct buf *out, enum log_level level, const char *event,
		       const struct log_field *fields)
{
	struct json_writer json;

	buf_reset(out);
	json_init(&json, out);
	json_object_begin(&json);
	json_put_time(&json, "time", time_now_ms());
	json_put_cstr(&json, "level", LEVEL_WORDS[level]);
	json_put_cstr(&json, "role", settings.role);
	if (settings.slot >= 0)
		json_put_int(&json, "slot", settings.slot);
	json_put_int(&json, "pid", getpid());
	json_put_cstr(&json, "event", event);
	if (fields != NULL)
		write_fields(&json, fields);
	json_object_end(&json);
	buf_append_byte(out, '\n');
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	struct buf out;

	if (level < settings.threshold)
		return;
	buf_init(&out, LINE_MAX_BYTES);
	write_line(&out, level, event, fields);
	if (out.full)
		write_line(&out, level, event, NULL);
	ssize_t written = write(STDERR_FILENO, out.data, out.len);

	(void)written; /* nowhere left to say that the log is gone */
	buf_done(&out);
}
