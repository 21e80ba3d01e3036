/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recipients as reports write them: cleaned to a bare address, and placeholders told from
 * addresses. Feedback providers blank the recipient in many ways; a placeholder must never be
 * suppressed.
 */
#ifndef BOUNCED_PARSER_REDACTION_H
#define BOUNCED_PARSER_REDACTION_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/slice.h"

/*
 * value: of a recipient field, its type removed. Without <>, route, quotes around the whole,
 * encoded words and a trailing comment. Empty where nothing is left.
 */
struct slice recipient_clean(struct slice value);
/* RFC 6533: \x{1F408} of the type utf-8 becomes the character. */
struct slice recipient_unescape(struct arena *arena, struct slice value);
/* "redacted@host", "hashed@…", "Undisclosed Recipients", asterisks, …; also the empty slice. */
bool recipient_redacted(struct slice address);

#endif
