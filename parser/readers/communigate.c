/* SPDX-License-Identifier: Apache-2.0 */
/* CommuniGate Pro: the address in quotes, and which module reported what. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice communigate = {
	.banner = WORDS("Failed to deliver to '", "Failed to deliver to \"",
			"Failed to deliver to <"),
	.list = WORDS("Failed to deliver to"),
	.returned = WORDS("Original message"),
	.score = 62,
};

NOTICE_READER(communigate, &communigate);
