/* SPDX-License-Identifier: Apache-2.0 */
/* Active!Hunter: Sendmail's form under a boundary or header of its own. */
#include "parser/notice.h"
#include "parser/readers.h"
#include "parser/readers/sendmail.h"

static void activehunter_read(const struct message *message, struct reading *reading)
{
	if (!text_from_daemon(message) ||
	    (!header_find(&message->headers, "X-AHMAILID", 0) &&
	     !text_header_has(message, "Content-Type", WORDS("Active!Hunter"))))
		return;
	if (sendmail_notice_read(message, reading))
		reading->score = 62;
}

const struct reader reader_activehunter = { "activehunter", activehunter_read };
