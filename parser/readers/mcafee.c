/* SPDX-License-Identifier: Apache-2.0 */
/* McAfee WebShield: the reason in parentheses behind the address. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice mcafee = {
	.banner = WORDS("The following addresses had delivery problems"),
	.list = WORDS("The following addresses had delivery problems"),
	.form = TEXT_ANGLE | TEXT_BLANK_ENDS,
	.score = 61,
};

NOTICE_READER(mcafee, &mcafee);
