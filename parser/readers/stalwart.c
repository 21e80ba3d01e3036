/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stalwart, and Forward Email, which words it alike: "<address> (what happened)". A report on
 * deliveries that went differently has a section for each outcome; only the failed ones count.
 */
#include "parser/notice.h"
#include "parser/readers.h"

static const char *const LISTS[] = {
	"Your message could not be delivered to the following recipient",
	"Your message could not be delivered to some recipients",
	"There was a temporary problem delivering your message to the following recipient",
	"Delivery to the following addresses failed",
	NULL,
};

static const struct notice stalwart = {
	.banner = LISTS,
	.list = LISTS,
	.stop = WORDS("addresses was successful",
		      "temporary problem delivering to these addresses"),
	.delay = WORDS("There was a temporary problem delivering your message"),
	.form = TEXT_ANGLE | TEXT_SAME_INDENT,
	.score = 57,
};

NOTICE_READER(stalwart, &stalwart);
