/* SPDX-License-Identifier: Apache-2.0 */
/* Yahoo's older systems and others of their kind: qmail's paragraphs under a banner of their own.
 */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice x2 = {
	.banner = WORDS("Unable to deliver message to the following address"),
	.returned = WORDS("Original message follows", "Below the next line is a copy"),
	.form = TEXT_ANGLE | TEXT_COLON | TEXT_SAME_INDENT | TEXT_BLANK_ENDS,
	.score = 62,
};

NOTICE_READER(x2, &x2);
