/* SPDX-License-Identifier: Apache-2.0 */
/* DragonFly Mail Agent (dma): one recipient a notice. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice dragonfly = {
	.banner = WORDS("This is the DragonFly Mail Agent"),
	.returned = WORDS("Message headers follow", "Original message follows"),
	.list = WORDS("There was an error delivering your mail to"),
	.form = TEXT_ANGLE,
	.score = 70,
};

static void dragonfly_read(const struct message *message, struct reading *reading)
{
	struct slice text;

	if (notice_read(&dragonfly, message, reading, &text))
		reading->reporting_mta = text_name_after(slice_head(text, 256), " at ");
}

const struct reader reader_dragonfly = { "dragonfly", dragonfly_read };
