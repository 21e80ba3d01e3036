/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV (RFC 4180): every field quoted, CRLF at the end of a line, UTF-8 repaired.
 *
 * Diagnostics are written by strangers and opened in spreadsheets: a field whose first visible
 * character, or whose first one behind a line break, could begin a formula gets an apostrophe in
 * front. Readers that are no spreadsheet ask for `csv_safe=0`.
 */
#ifndef BOUNCED_API_CSV_H
#define BOUNCED_API_CSV_H

#include <stdbool.h>

#include "core/buf.h"
#include "core/slice.h"

/* One field without separator. `safe`: defend against formulas. */
void csv_field(struct buf *out, struct slice text, bool safe);

#endif
