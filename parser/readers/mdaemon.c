/* SPDX-License-Identifier: Apache-2.0 */
/* MDaemon: the list, then a transcript that begins each line with a blank. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice mdaemon = {
	.banner = WORDS("addresses did NOT receive a copy of your message"),
	.list = WORDS("The following addresses did NOT receive"),
	.reason = WORDS("--- Session Transcript ---"),
	.stop = WORDS("--- End Transcript ---"),
	.form = TEXT_ALONE,
	.score = 62,
};

NOTICE_READER(mdaemon, &mdaemon);
