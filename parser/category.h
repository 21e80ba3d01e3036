/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sending system itself made of a refusal, where it says so in a field of its own:
 * PowerMTA's X-PowerMTA-BounceCategory. Its categories come from the same words that the rules
 * read, with less care, so they only decide what the rules leave open.
 */
#ifndef BOUNCED_PARSER_CATEGORY_H
#define BOUNCED_PARSER_CATEGORY_H

#include "core/reason.h"
#include "core/slice.h"

/* REASON_NONE for "other" and what nobody knows. */
enum reason category_reason(struct slice category);

#endif
