/* SPDX-License-Identifier: Apache-2.0 */
/* Ipswitch IMail: one sentence a recipient, and below it the reply where one came back. */
#include "parser/notice.h"
#include "parser/readers.h"

static const char *const SENTENCES[] = { "undeliverable ",
					 "Unknown user:",
					 "Unknown host:",
					 "Delivery failed ",
					 "Invalid final delivery userid:",
					 "User mailbox ",
					 NULL };

static const struct notice imailserver = {
	.mailer = WORDS("<SMTP32"),
	.banner = SENTENCES,
	.list = SENTENCES,
	.returned = WORDS("Original message follows"),
	.form = TEXT_ANYWHERE,
	.one_per_list = true,
	.score = 63,
};

NOTICE_READER(imailserver, &imailserver);
