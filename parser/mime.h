/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MIME structure of a message, by GMime: parser/mime.c is the only file that includes it. GMime
 * sees the pre-scanned copy and says where the parts are and how they are encoded; their bytes are
 * taken from the raw message.
 */
#ifndef BOUNCED_PARSER_MIME_H
#define BOUNCED_PARSER_MIME_H

#include "core/arena.h"
#include "core/slice.h"
#include "parser/message.h"
#include "parser/prescan.h"

/* Idempotent. */
void mime_init(void);

/*
 * Fills *ret_message, which lives in the arena and points into raw. Returns NULL, or why the
 * message cannot be read safely; *ret_message is then untouched.
 */
const char *mime_read(struct slice raw, const struct prescan *prescan, struct arena *arena,
		      struct message *ret_message);

#endif
