/* SPDX-License-Identifier: Apache-2.0 */
/* Unnamed system X3, at several hosters: sections between rules of equal signs, the recipients as a
 * list with stars. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice x3 = {
	.banner = WORDS("This is an automatically generated Delivery Status Notification"),
	.list = WORDS("to the following recipient"),
	.reason = WORDS("Technical details:", "Technical details of"),
	.stop = WORDS("===="),
	.returned = WORDS("Original message"),
	.delay = WORDS("has been delayed"),
	.form = TEXT_ALONE,
	.score = 58,
};

NOTICE_READER(x3, &x3);
