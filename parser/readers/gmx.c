/* SPDX-License-Identifier: Apache-2.0 */
/* GMX and mail.com: Exim's words, each address in quotes. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice gmx = {
	.from = WORDS("gmx", "mail.com", "web.de"),
	.banner = WORDS("created automatically by mail delivery software"),
	.list = WORDS("failed:"),
	.returned = WORDS("The header of the original message"),
	.delay = WORDS("has not yet been delivered"),
	.form = TEXT_COLON | TEXT_ALONE,
	.score = 64,
};

NOTICE_READER(gmx, &gmx);
