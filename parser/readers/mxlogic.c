/* SPDX-License-Identifier: Apache-2.0 */
/* MX Logic: Exim's banner, but address and reason on one line. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice mxlogic = {
	.banner = WORDS("A message that you have sent could not be delivered to one or more"),
	.list = WORDS("address failed:", "addresses failed:", "address(es) failed:"),
	.returned = WORDS("Included is a copy of the message header"),
	.form = TEXT_ANGLE | TEXT_COLON | TEXT_SAME_INDENT,
	.score = 64,
};

NOTICE_READER(mxlogic, &mxlogic);
