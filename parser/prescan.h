/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pre-scan: one linear pass over the raw message before GMime sees it. It enforces the caps of
 * core/limits.h on the message and on everything embedded in it, and makes the copy that GMime
 * parses, in which nothing is left that makes GMime recurse:
 *
 * - address headers are renamed, wherever a line looks like one: GMime 3.2 parses them by recursion
 *   and a few kilobytes of nested groups overflow its stack;
 * - the type message/… is renamed (to PRESCAN_MESSAGE_TYPE), so that an embedded message is a leaf;
 * - a Content-Type with an over-long boundary is renamed: its part is opaque;
 * - headers that say nothing about structure are blanked (pack.h); of the message's own, those that
 *   do are moved behind all others, and GMime begins there.
 *
 * Nothing changes its length, so offsets in the copy are offsets in the raw message. All content
 * is read from the raw message, never from the copy.
 */
#ifndef BOUNCED_PARSER_PRESCAN_H
#define BOUNCED_PARSER_PRESCAN_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/slice.h"

/* What "message" reads as in the copy. */
#define PRESCAN_MESSAGE_TYPE "xessage"

struct prescan {
	const char *quarantine;   /* why it must not be parsed; NULL when it may */
	char *copy;               /* for GMime; as long as the raw message, in the arena */
	size_t start;             /* where in it GMime begins */
	bool plain;               /* no header says anything about structure: it is text */
	bool header_long;         /* more than LIMIT_HEADER: read up to there */
	bool address_header_long; /* more than LIMIT_ADDRESS_HEADER: an honest list, not read */
	bool content_type_long;   /* more than LIMIT_BOUNDARY: its part was not taken apart */
};

void prescan_message(struct slice raw, struct arena *arena, struct prescan *ret_prescan);

/* The caps alone, for a message that came out of a transfer encoding. NULL when it may be read. */
const char *prescan_embedded(struct slice decoded);

#endif
