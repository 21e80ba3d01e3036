/* SPDX-License-Identifier: Apache-2.0 */
/* fml, a list manager: a post it refuses or has seen before. The recipient is the list. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice fml = {
	.from = WORDS("-admin@", "fml"),
	.banner = WORDS("Duplicated Message-ID in <", "Original mail as follows"),
	.list = WORDS("Duplicated Message-ID in", "You are not a member of this"),
	.returned = WORDS("Original mail as follows"),
	.form = TEXT_ANYWHERE,
	.any_sender = true,
	.score = 55,
};

NOTICE_READER(fml, &fml);
