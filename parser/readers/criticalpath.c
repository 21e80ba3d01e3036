/* SPDX-License-Identifier: Apache-2.0 */
/* Critical Path, InScribe: "address; Failed; 4.4.7 (delivery time expired)", and below it what the
 * other side said. */
#include "parser/notice.h"
#include "parser/readers.h"

static const char *const LISTS[] = { "have been processed by the mail server",
				     "have not yet received your message", NULL };

static const struct notice criticalpath = {
	.banner = LISTS,
	.list = LISTS,
	.stop = WORDS("The server will continue trying"),
	.delay = WORDS("only a notification about a delay"),
	.form = TEXT_SAME_INDENT,
	.score = 61,
};

NOTICE_READER(criticalpath, &criticalpath);
