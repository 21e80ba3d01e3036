/* SPDX-License-Identifier: Apache-2.0 */
/* Trend Micro InterScan: the refused exchange, or only a sentence with the address in it. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice exchange = {
	.banner = WORDS("InterScan", "Trend Micro"),
	.any_sender = true,
	.list = WORDS("Sent <<< RCPT TO"),
	.stop = WORDS("Unable to deliver message to"),
	.form = TEXT_ANYWHERE,
	.one_per_list = true,
	.score = 62,
};

static const struct notice sentence = {
	.banner = WORDS("InterScan", "Trend Micro"),
	.any_sender = true,
	.list = WORDS("Unable to deliver message to"),
	.stop = WORDS("****"),
	.form = TEXT_ANYWHERE,
	.score = 62,
};

static void trendmicro_read(const struct message *message, struct reading *reading)
{
	if (!text_from_daemon(message) &&
	    !text_header_has(message, "From", WORDS("interscan", "imss", "viruswall", "trend")) &&
	    !text_header_has(message, "Content-Type", WORDS("InterScan")))
		return;
	if (!notice_read(&exchange, message, reading, NULL))
		notice_read(&sentence, message, reading, NULL);
}

const struct reader reader_trendmicro = { "trendmicro", trendmicro_read };
