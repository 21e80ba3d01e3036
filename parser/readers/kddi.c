/* SPDX-License-Identifier: Apache-2.0 */
/* KDDI (au one net, dion). */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice kddi = {
	.from = WORDS("no-reply", "dion.ne.jp", "auone-net.jp"),
	.banner = WORDS("Your mail sent on:", "Your mail attempted to be delivered on:"),
	.list = WORDS("Could not be delivered to:"),
	.any_sender = true,
	.form = TEXT_ANGLE,
	.score = 63,
};

NOTICE_READER(kddi, &kddi);
