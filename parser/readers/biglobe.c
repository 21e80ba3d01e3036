/* SPDX-License-Identifier: Apache-2.0 */
/* BIGLOBE, Japan. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice biglobe = {
	.banner = WORDS("Non-delivered information"),
	.list = WORDS("The following addresses had delivery problems", "Non-delivered recipient"),
	.reason = WORDS("Non-delivered information"),
	.returned = WORDS("Original message", "Message header"),
	.form = TEXT_ALONE,
	.score = 64,
};

NOTICE_READER(biglobe, &biglobe);
