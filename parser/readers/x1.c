/* SPDX-License-Identifier: Apache-2.0 */
/* Unnamed system X1, Japan: addresses with the reason in brackets behind them. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice x1 = {
	.banner = WORDS("The following addresses had delivery errors"),
	.list = WORDS("The following addresses had delivery errors"),
	.returned = WORDS("Original message", "Received:"),
	.form = TEXT_BLANK_ENDS,
	.score = 61,
};

NOTICE_READER(x1, &x1);
