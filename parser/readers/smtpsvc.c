/* SPDX-License-Identifier: Apache-2.0 */
/* Microsoft SMTPSVC: below its "transcript" stand the address and a sentence. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice smtpsvc = {
	.banner = WORDS("Transcript of session follows"),
	.list = WORDS("Transcript of session follows"),
	.returned = WORDS("Unsent message follows", "Original message"),
	.form = TEXT_ALONE | TEXT_SAME_INDENT,
	.score = 58,
};

NOTICE_READER(smtpsvc, &smtpsvc);
