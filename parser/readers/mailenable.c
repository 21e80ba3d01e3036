/* SPDX-License-Identifier: Apache-2.0 */
/* MailEnable. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice mailenable = {
	.banner = WORDS("MailEnable: Message could not be delivered"),
	.list = WORDS("Recipient:"),
	.reason = WORDS("Reason:"),
	.returned = WORDS("Message headers follow"),
	.score = 62,
};

NOTICE_READER(mailenable, &mailenable);
