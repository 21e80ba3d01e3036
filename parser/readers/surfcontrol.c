/* SPDX-License-Identifier: Apache-2.0 */
/* SurfControl E-mail Filter: the address and what the host said in one row. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice surfcontrol = {
	.banner = WORDS("A transcript of the attempts to send the message follows"),
	.list = WORDS("Failed to send to"),
	.stop = WORDS("--- Message non-deliverable"),
	.form = TEXT_COLON,
	.score = 62,
};

NOTICE_READER(surfcontrol, &surfcontrol);
