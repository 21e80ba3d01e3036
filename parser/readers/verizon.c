/* SPDX-License-Identifier: Apache-2.0 */
/* Verizon's gateways to mobile phones: vtext.com in the form of Apache James, vzwpix.com with a
 * sentence, and the header rows of the picture message below it. */
#include "parser/notice.h"
#include "parser/readers.h"
#include "parser/readers/james.h"

static const struct notice picture = {
	.from = WORDS("vzwpix.com"),
	.banner = WORDS("Message could not be delivered to mobile"),
	.list = WORDS("To:"),
	.reason = WORDS("Error:"),
	.stop = WORDS("Subject:"),
	.any_sender = true,
	.one_per_list = true,
	.form = TEXT_BLANK_ENDS,
	.score = 63,
};

static void verizon_read(const struct message *message, struct reading *reading)
{
	if (text_header_has(message, "From", WORDS("@vtext.com"))) {
		if (james_notice_read(message, reading))
			reading->score = 63;
		return;
	}
	notice_read(&picture, message, reading, NULL);
}

const struct reader reader_verizon = { "verizon", verizon_read };
