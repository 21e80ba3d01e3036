/* SPDX-License-Identifier: Apache-2.0 */
/* Cisco IronPort: one sentence with the recipient, one with the reason. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice ironport = {
	.banner = WORDS("The following message to <"),
	.list = WORDS("The following message to"),
	.reason = WORDS("The reason for the problem:"),
	.returned = WORDS("Original message"),
	.delay = WORDS("was delayed", "has been delayed", "has not yet been delivered",
		       "Will continue to attempt"),
	.form = TEXT_ANGLE,
	.reason_only = true,
	.score = 62,
};

NOTICE_READER(ironport, &ironport);
