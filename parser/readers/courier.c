/* SPDX-License-Identifier: Apache-2.0 */
/* Courier, the text of its notices: a transcript below each address. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice courier = {
	.banner = WORDS("running the Courier mail server", "UNDELIVERABLE MAIL"),
	.list = WORDS("following recipients", "the following addresses only"),
	.stop = WORDS("---------------------------------------"),
	.returned = WORDS("The original message follows"),
	.delay = WORDS("DELAYED MAIL", "DELAYS IN DELIVERING", "delivery attempts will continue"),
	.form = TEXT_ANGLE | TEXT_COLON | TEXT_SAME_INDENT | TEXT_BLANK_ENDS,
	.score = 62,
};

NOTICE_READER(courier, &courier);
