/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text that rules look at: a diagnostic folded so that a pattern need not care how the reply
 *was written or wrapped.
 *
 *	ASCII letters are lowered; runs of white space become one space; curly quotes and no-break
 *	spaces become plain ones; an address becomes "@", so that words in somebody's local part
 *decide nothing; the reply code and status that begin each further line of a reply ("550-5.1.1 …
 *550-5.1.1 …") are left out.
 *
 * Each byte of the folded text knows where it came from.
 */
#ifndef BOUNCED_PARSER_RULES_TEXT_H
#define BOUNCED_PARSER_RULES_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "core/limits.h"
#include "core/slice.h"

struct folded_text {
	struct slice source; /* borrowed; at most its first LIMIT_DIAGNOSTIC bytes were folded */
	size_t len;
	char bytes[LIMIT_DIAGNOSTIC];
	uint16_t origin[LIMIT_DIAGNOSTIC]; /* offset in source of what became bytes[i] */
	uint16_t end;                      /* offset in source behind the last byte folded */
};

void folded_text_make(struct slice source, struct folded_text *ret_folded);

/* The piece of the source that became bytes[from..to). */
struct slice folded_text_source(const struct folded_text *folded, size_t from, size_t to);

#endif
