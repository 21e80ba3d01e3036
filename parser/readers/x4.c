/* SPDX-License-Identifier: Apache-2.0 */
/* A qmail relative of hosting companies that names its hotline in the banner. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice x4 = {
	.banner = WORDS("Your mail message to the following address(es) could not be delivered"),
	.returned = WORDS("Below this line is a copy"),
	.form = TEXT_ANGLE | TEXT_COLON | TEXT_SAME_INDENT | TEXT_BLANK_ENDS,
	.score = 62,
};

NOTICE_READER(x4, &x4);
