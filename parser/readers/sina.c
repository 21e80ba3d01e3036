/* SPDX-License-Identifier: Apache-2.0 */
/* Sina and other Chinese relatives of qmail. The banner says: cannot be sent to the given address.
 */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice sina = {
	.banner = WORDS("邮件无法发送到您指定的地址", "无法发送到以下"),
	.returned = WORDS("附件中的内容"),
	.form = TEXT_ANGLE | TEXT_COLON | TEXT_SAME_INDENT | TEXT_BLANK_ENDS,
	.score = 62,
};

NOTICE_READER(sina, &sina);
