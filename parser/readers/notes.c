/* SPDX-License-Identifier: Apache-2.0 */
/* Lotus Notes SMTP MTA: the reason, and the address below it. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice notes = {
	.banner = WORDS("Failure Reasons"),
	.reason = WORDS("Failure Reasons"),
	.returned = WORDS("Returned Message"),
	.form = TEXT_ALONE,
	.score = 61,
};

NOTICE_READER(notes, &notes);
