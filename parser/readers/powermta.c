/* SPDX-License-Identifier: Apache-2.0 */
/* PowerMTA, the text of its notices: who, and whether it goes on trying. Why stands in the status
 * part only. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice powermta = {
	.banner = WORDS("to inform you on the delivery status of a"),
	.list = WORDS("as well as the headers of the original", "in standard format"),
	.delay = WORDS("; will continue trying"),
	.form = TEXT_ANGLE | TEXT_SAME_INDENT,
	.reason_only = true,
	.score = 57,
};

NOTICE_READER(powermta, &powermta);
