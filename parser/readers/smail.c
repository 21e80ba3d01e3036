/* SPDX-License-Identifier: Apache-2.0 */
/* Smail, still at T-Online: sections between rules, address and transport on one line. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice smail = {
	.banner = WORDS("Failed addresses follow:"),
	.list = WORDS("Failed addresses follow:"),
	.returned = WORDS("Message text follows", "Message header follows"),
	.form = TEXT_SAME_INDENT,
	.score = 62,
};

NOTICE_READER(smail, &smail);
