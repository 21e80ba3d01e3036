/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors: where a page ended, as opaque signed text. A cursor is good for the account, the
 * resource and the filters that it was made with, and for nothing else.
 *
 * base64url of: version 1 · account 8 · filter hash 8 · time 8 · id 16 · HMAC-SHA-256 cut to 16.
 */
#ifndef BOUNCED_API_CURSOR_H
#define BOUNCED_API_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "api/request.h"
#include "core/arena.h"
#include "core/hash.h"
#include "core/slice.h"
#include "core/uuid.h"

#define CURSOR_KEY_LEN SHA256_LEN

/* The last row of a page, by what its list is ordered by. */
struct cursor_position {
	int64_t time; /* 0 where the list goes by id alone */
	struct uuid id;
};

struct cursor_scope {
	uint64_t account_id;
	uint64_t filter_hash; /* cursor_filter_hash() */
};

/* Over the path and every parameter but `cursor` and `limit`, in the order given. */
uint64_t cursor_filter_hash(const struct request *request);

struct slice cursor_format(const struct cursor_position *position, const struct cursor_scope *scope,
			   const uint8_t key[CURSOR_KEY_LEN], struct arena *arena);
/* false: not made by us, or for another account, list or filter. */
bool cursor_parse(struct slice text, const struct cursor_scope *scope,
		  const uint8_t key[CURSOR_KEY_LEN], struct cursor_position *ret_position);

#endif
