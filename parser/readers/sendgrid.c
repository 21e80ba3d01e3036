/* SPDX-License-Identifier: Apache-2.0 */
/* SendGrid, the text of its notices: one row of fields between colons. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice sendgrid = {
	.banner = WORDS("automatically generated message from SendGrid"),
	.list = WORDS("please contact SendGrid support"),
	.form = TEXT_ANYWHERE,
	.score = 62,
};

NOTICE_READER(sendgrid, &sendgrid);
