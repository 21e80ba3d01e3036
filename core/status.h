/* SPDX-License-Identifier: Apache-2.0 */
/* Enhanced mail system status codes (RFC 3463) and SMTP reply codes (RFC 5321 4.2) in text. */
#ifndef BOUNCED_CORE_STATUS_H
#define BOUNCED_CORE_STATUS_H

#include <stdbool.h>

#include "core/slice.h"

struct status_code {
	unsigned class_;  /* 2, 4 or 5; 0 where there is none */
	unsigned subject; /* 0..999 */
	unsigned detail;  /* 0..999 */
};

/* The whole slice must be a code: "5.1.1". */
bool status_parse(struct slice text, struct status_code *ret_status);
/* The code that stands at the beginning, followed by nothing that could continue it. */
bool status_parse_prefix(struct slice text, struct slice *ret_code);
/*
 * The first code in running text that is one and not a piece of an IP address, version or longer
 * number. The slice points into text; empty when there is none.
 */
struct slice status_find(struct slice text);
/* The first SMTP reply code (4xx, 5xx; 2xx when nothing else) standing as a word of its own. */
struct slice reply_code_find(struct slice text);

#endif
