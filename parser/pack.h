/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GMime makes several objects of every header, which costs more than all the rest of it. So in the
 * copy that it parses, each header block is packed: the headers that say how to take the message
 * apart move to its beginning, and blanks, a folded line of the last of them, take the place of all
 * others. The block keeps its length, so that offsets behind it stay what they are.
 */
#ifndef BOUNCED_PARSER_PACK_H
#define BOUNCED_PARSER_PACK_H

#include <stdbool.h>

#include "core/slice.h"

struct pack {
	char *copy; /* NULL: nothing is done */
	bool open;
	size_t begin;
	size_t end;   /* of the headers that are packed already */
	bool encoded; /* an encoding is among them: whatever else is said of it counts, too */
};

void pack_begin(struct pack *pack, size_t offset);
/* The header from its name to behind its line end, if GMime needs it. value: what follows its
 * colon, folded lines and all. */
void pack_header(struct pack *pack, struct slice name, struct slice value, size_t from, size_t to);
/* The block ends at `end`, or goes on with what is no header: there no more is packed. */
void pack_close(struct pack *pack, size_t end);
/* Instead of pack_close(), for the message's own block: what is packed moves to right before `end`.
 * Returns where it begins, which is `end` where nothing was needed. */
size_t pack_move(struct pack *pack, size_t end);

#endif
