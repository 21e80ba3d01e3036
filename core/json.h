/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON writer (RFC 8259) into a struct buf. It places commas itself; the caller balances begin
 * and end, which is asserted. Strings are repaired to valid UTF-8, and every character that is not
 * printable (C0, DEL, C1, U+2028/9, bidirectional controls) leaves as \uXXXX, so that the output
 * is safe in a log and on a terminal.
 */
#ifndef BOUNCED_CORE_JSON_H
#define BOUNCED_CORE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/slice.h"
#include "core/uuid.h"

#define JSON_DEPTH_MAX 16

struct json_writer {
	struct buf *out;
	unsigned depth;
	bool need_comma[JSON_DEPTH_MAX];
	bool after_key;
};

void json_init(struct json_writer *json, struct buf *out);

void json_object_begin(struct json_writer *json);
void json_object_end(struct json_writer *json);
void json_array_begin(struct json_writer *json);
void json_array_end(struct json_writer *json);
void json_key(struct json_writer *json, const char *name);

void json_string(struct json_writer *json, struct slice text);
void json_int(struct json_writer *json, int64_t value);
void json_bool(struct json_writer *json, bool value);
void json_null(struct json_writer *json);
/* RFC 3339, or null for TIME_NONE. */
void json_time(struct json_writer *json, int64_t unix_ms);
void json_uuid(struct json_writer *json, const struct uuid *uuid);
/* A whole value that is JSON already, as the database gives it. Escaped like strings where it is
 * not printable; empty counts as null. */
void json_raw(struct json_writer *json, struct slice value);

/* Key and value in one. */
void json_put_string(struct json_writer *json, const char *name, struct slice text);
void json_put_cstr(struct json_writer *json, const char *name, const char *text);
/* null where the slice is empty */
void json_put_optional(struct json_writer *json, const char *name, struct slice text);
void json_put_int(struct json_writer *json, const char *name, int64_t value);
void json_put_bool(struct json_writer *json, const char *name, bool value);
void json_put_time(struct json_writer *json, const char *name, int64_t unix_ms);
void json_put_uuid(struct json_writer *json, const char *name, const struct uuid *uuid);
void json_put_raw(struct json_writer *json, const char *name, struct slice value);

#endif
