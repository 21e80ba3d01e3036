/* SPDX-License-Identifier: Apache-2.0 */
/* 1&1 (kundenserver.de, perfora.net): Exim's words without its columns. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice einsundeins = {
	.from = WORDS("kundenserver", "perfora", "1and1", "1und1", "ionos"),
	.banner = WORDS("could not be delivered to one or more", "has not yet been delivered"),
	.list = WORDS("failed:", "to the following address"),
	.reason = WORDS("For the following reason:"),
	.returned = WORDS("The header of the original message"),
	.stop = WORDS("No action is required"),
	.delay = WORDS("has not yet been delivered"),
	.form = TEXT_SAME_INDENT,
	.score = 64,
};

NOTICE_READER(einsundeins, &einsundeins);
