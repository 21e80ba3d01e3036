/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-lines logging to stderr: one write(2) a line, so lines of several processes do not mix.
 * Called where an error is handled, once; never from core or parser code, never with message
 * bodies or secrets.
 *
 *	log_event(LOG_WARNING, "database_lost", LOG_STR("error", text), LOG_INT("waiting", n));
 */
#ifndef BOUNCED_CORE_LOG_H
#define BOUNCED_CORE_LOG_H

#include <stdint.h>

#include "core/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

enum log_field_type { LOG_FIELD_END, LOG_FIELD_SLICE, LOG_FIELD_INT };

struct log_field {
	enum log_field_type type;
	const char *name;
	struct slice text;
	int64_t number;
};

#define LOG_SLICE(name, s) ((struct log_field){ LOG_FIELD_SLICE, (name), (s), 0 })
#define LOG_STR(name, cstr) \
	((struct log_field){ LOG_FIELD_SLICE, (name), slice_from_cstr(cstr), 0 })
#define LOG_INT(name, value) \
	((struct log_field){ LOG_FIELD_INT, (name), SLICE_LITERAL(""), (value) })
#define LOG_END ((struct log_field){ LOG_FIELD_END, "", SLICE_LITERAL(""), 0 })

/* The process's role ("ingest", "api", …) and slot number stand in every line from then on. */
void log_init(const char *role, int slot, enum log_level threshold);
void log_write(enum log_level level, const char *event, const struct log_field *fields);
/* false for an unknown word */
bool log_level_parse(struct slice word, enum log_level *ret_level);

#define log_event(level, event, ...) \
	log_write((level), (event),  \
		  (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ) LOG_END })

#endif
