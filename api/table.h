/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows in the negotiated format: JSON ({"results":[…],"links":{"next":…}}), NDJSON (an object a
 * line) or CSV (a line of column names first). The next page is also in a Link header where the
 * format has no room for it. Writers name their columns once and then give the values in that
 * order; absent text is null, in CSV empty.
 */
#ifndef BOUNCED_API_TABLE_H
#define BOUNCED_API_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/call.h"
#include "core/json.h"
#include "core/slice.h"
#include "core/uuid.h"

struct table {
	struct call *call;
	const char *const *columns;
	size_t column_count;
	size_t at; /* the next column of the row under way */
	struct json_writer json;
};

/* Writes the beginning of a list. */
void table_begin(struct table *table, struct call *call, const char *const *columns, size_t count);
/* next: of page_next(), empty where this is the last page. */
void table_end(struct table *table, struct slice next);
/* A single row as one JSON object, without list: row_begin and row_end as usual, no table_end. */
void table_single(struct table *table, struct call *call, const char *const *columns, size_t count);
/* The page has grown so large that it ends with the row before, whatever its limit. */
bool table_full(const struct table *table);

void table_row_begin(struct table *table);
void table_row_end(struct table *table);
void table_text(struct table *table, struct slice value);
void table_int(struct table *table, int64_t value);
void table_bool(struct table *table, bool value);
void table_null(struct table *table);
/* null for TIME_NONE */
void table_time(struct table *table, int64_t unix_ms);
void table_uuid(struct table *table, const struct uuid *value);
/* JSON from the database */
void table_raw(struct table *table, struct slice value);

#endif
