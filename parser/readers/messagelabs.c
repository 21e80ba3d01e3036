/* SPDX-License-Identifier: Apache-2.0 */
/* Symantec Email Security.cloud, once MessageLabs. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice messagelabs = {
	.banner = WORDS("This is the mail delivery agent at"),
	.list = WORDS("to deliver your message to the following address", "following addresses:"),
	.reason = WORDS("Reason:"),
	.stop = WORDS("The message subject was"),
	.delay = WORDS("will be retried", "still being retried"),
	.form = TEXT_ALONE,
	.score = 62,
};

NOTICE_READER(messagelabs, &messagelabs);
