/* SPDX-License-Identifier: Apache-2.0 */
/* MailMarshal SMTP: the reason above, the recipients below. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice mailmarshal = {
	.banner = WORDS("Could not be delivered because of"),
	.list = WORDS("The following recipients were affected"),
	.reason = WORDS("Could not be delivered because of"),
	.stop = WORDS("Additional Information"),
	.form = TEXT_ALONE,
	.score = 61,
};

NOTICE_READER(mailmarshal, &mailmarshal);
