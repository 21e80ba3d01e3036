/* SPDX-License-Identifier: Apache-2.0 */
/* Unnamed system X6: numbered errors, each a sentence with server, recipient and reply. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice x6 = {
	.banner = WORDS("We had trouble delivering your message"),
	.list = WORDS("rejected recipient <", "It responded as follows"),
	.stop = WORDS("The attachment contains the original mail headers"),
	.form = TEXT_ANYWHERE,
	.score = 63,
};

NOTICE_READER(x6, &x6);
