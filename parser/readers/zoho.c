/* SPDX-License-Identifier: Apache-2.0 */
/* Zoho Mail. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice zoho = {
	.mailer = WORDS("Zoho Mail"),
	.banner = WORDS("created automatically by mail delivery s"),
	.list = WORDS("This is a permanent error", "addresses had fatal errors"),
	.stop = WORDS("Message will be retried"),
	.returned = WORDS("Received:", "Transcript of session"),
	.delay = WORDS("THIS IS A WARNING MESSAGE ONLY", "Message will be retried"),
	.form = TEXT_ANYWHERE,
	.score = 64,
};

NOTICE_READER(zoho, &zoho);
