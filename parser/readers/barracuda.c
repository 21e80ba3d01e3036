/* SPDX-License-Identifier: Apache-2.0 */
/* Barracuda Spam Firewall. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice barracuda = {
	.banner = WORDS("was blocked by our Spam Firewall"),
	.list = WORDS("Your message to:"),
	.form = TEXT_ALONE,
	.score = 62,
};

NOTICE_READER(barracuda, &barracuda);
