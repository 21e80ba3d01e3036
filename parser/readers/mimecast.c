/* SPDX-License-Identifier: Apache-2.0 */
/* Mimecast: rows that begin with two dashes. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice mimecast = {
	.subject = WORDS("Email Delivery Failure", "Email Delivery"),
	.banner = WORDS("This is a delivery failure notification message"),
	.list = WORDS("addressed to email address"),
	.reason = WORDS("Additional information follows", "The problem appears to be"),
	.stop = WORDS("This condition occurred", "could not be delivered", "With subject"),
	.form = TEXT_ALONE,
	.score = 62,
};

NOTICE_READER(mimecast, &mimecast);
