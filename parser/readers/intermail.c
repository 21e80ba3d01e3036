/* SPDX-License-Identifier: Apache-2.0 */
/* Openwave InterMail and Netscape Messaging Server: the reason in prose, then the recipients. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice intermail = {
	.banner = WORDS("This Message was undeliverable due to the following reason",
			"The following recipients did not receive"),
	.reason = WORDS("due to the following reason"),
	.list = WORDS("did not receive your message", "did not receive this message"),
	.stop = WORDS("Please reply to"),
	.form = TEXT_ANGLE | TEXT_ALONE,
	.score = 61,
};

NOTICE_READER(intermail, &intermail);
