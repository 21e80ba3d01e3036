/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an HTML page: tags, comments, style and script removed, the common character
 * references resolved, block elements on lines of their own. Linear; never fails. */
#ifndef BOUNCED_PARSER_HTML_H
#define BOUNCED_PARSER_HTML_H

#include "core/arena.h"
#include "core/slice.h"

/* html is UTF-8; so is the text, with LF line ends. */
struct slice html_to_text(struct arena *arena, struct slice html);

#endif
