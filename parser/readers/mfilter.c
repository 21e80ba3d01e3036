/* SPDX-License-Identifier: Apache-2.0 */
/* m-FILTER, Japan: sections headed by dashes. The banner says: sending to the following addresses
 * failed. */
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice mfilter = {
	.banner = WORDS("以下のメールアドレスへの送信に失敗しました"),
	.list = WORDS("以下のメールアドレスへの送信に失敗しました"),
	.reason = WORDS("-------server message"),
	.stop = WORDS("-------SMTP command"),
	.returned = WORDS("original m"),
	.form = TEXT_ALONE,
	.score = 66,
};

NOTICE_READER(mfilter, &mfilter);
