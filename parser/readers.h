/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of readers. To add a dialect: write parser/readers/<name>.c, which defines
 * `const struct reader reader_<name>`, and name it here. Of readers with equal scores the earlier
 * one wins, so what is machine-readable stands before what is guessed from words.
 */
#ifndef BOUNCED_PARSER_READERS_H
#define BOUNCED_PARSER_READERS_H

#include "parser/reader.h"

#define READER_LIST(X)                    \
	/* machine-readable */            \
	X(rfc3464)                        \
	/* free text, one dialect each */ \
	/* not a bounce */

#define X(name) extern const struct reader reader_##name;
READER_LIST(X)
#undef X

#endif
