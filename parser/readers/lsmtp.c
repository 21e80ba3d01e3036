/* SPDX-License-Identifier: Apache-2.0 */
/* LSMTP for Windows: rows that begin with "Error-". */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice lsmtp = {
	.banner = WORDS("Error description:"),
	.list = WORDS("Error-for:"),
	.reason = WORDS("Error-text:"),
	.stop = WORDS("Error-code:", "Error-end:"),
	.returned = WORDS("Original message", "Message header"),
	.score = 62,
};

NOTICE_READER(lsmtp, &lsmtp);
