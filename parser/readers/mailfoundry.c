/* SPDX-License-Identifier: Apache-2.0 */
/* MailFoundry. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice mailfoundry = {
	.banner = WORDS("Unable to deliver message to:"),
	.list = WORDS("Unable to deliver message to:"),
	.reason = WORDS("Delivery failed for the following reason:"),
	.stop = WORDS("This has been a permanent failure", "This has been a temporary failure"),
	.form = TEXT_ALONE,
	.score = 61,
};

NOTICE_READER(mailfoundry, &mailfoundry);
