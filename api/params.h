/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Query parameters by type. Each function leaves *ret_value alone where the parameter is absent,
 * and returns false where its value is no good: the answer (400, naming it) is then written.
 */
#ifndef BOUNCED_API_PARAMS_H
#define BOUNCED_API_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "api/call.h"
#include "api/cursor.h"
#include "core/vocabulary.h"

/* RFC 3339 */
bool param_time(struct call *call, const char *name, int64_t *ret_value);
/* 1 to INT64_MAX */
bool param_number(struct call *call, const char *name, uint64_t *ret_value);
/* 0 or 1 */
bool param_flag(struct call *call, const char *name, bool *ret_value);
/* An address; *ret_value is its normal form. */
bool param_address(struct call *call, const char *name, struct slice *ret_value);
/* Any text that is not empty. */
bool param_text(struct call *call, const char *name, struct slice *ret_value);
/* One of the words that known() knows. */
bool param_word(struct call *call, const char *name, bool (*known)(struct slice word),
		struct slice *ret_value);
/* `vocabulary`: whose class is to be added */
bool param_vocabulary(struct call *call, enum vocabulary *ret_value);

/* `limit` and `cursor`. */
struct page {
	unsigned limit;
	bool continued; /* position is set */
	struct cursor_position position;
	struct cursor_scope scope;
};

bool param_page(struct call *call, struct page *ret_page);
/* The address of the page behind `position`: this request with another cursor. */
struct slice page_next(const struct call *call, const struct page *page,
		       const struct cursor_position *position);

#endif
