/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command prints about one thing: as a JSON object on a line, or as its values separated by
 * tabs ("-" for an absent one). Either way no byte can do harm on a terminal.
 */
#ifndef BOUNCED_APP_RECORD_H
#define BOUNCED_APP_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/buf.h"
#include "core/json.h"
#include "core/slice.h"

struct record {
	struct buf line;
	struct json_writer json;
	bool as_json;
};

void record_begin(struct record *record, bool as_json);
void record_text(struct record *record, const char *name, struct slice text);
void record_number(struct record *record, const char *name, uint64_t value);
void record_bool(struct record *record, const char *name, bool value);
void record_time(struct record *record, const char *name, int64_t unix_ms);
/* Writes the line to `out` and releases the record. */
void record_end(struct record *record, FILE *out);

/* Text with what is not printable as \uXXXX. */
void record_print_text(FILE *out, struct slice text);

#endif
