/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSMTPD, the text of its notices: "address: what happened" on one line. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice opensmtpd = {
	.banner = WORDS("This is the MAILER-DAEMON, please DO NOT REPLY"),
	.list = WORDS("list of recipients:", "following recipients:"),
	.returned = WORDS("Below is a copy of the original message"),
	.stop = WORDS("Please note that this is only a temporary"),
	.delay = WORDS("A message is delayed for more than"),
	.form = TEXT_COLON | TEXT_SAME_INDENT | TEXT_BLANK_ENDS,
	.score = 70,
};

NOTICE_READER(opensmtpd, &opensmtpd);
