/* SPDX-License-Identifier: Apache-2.0 */
/* Mail.ru: Exim, with the notice in Russian above the one in English. */
#include "parser/notice.h"
#include "parser/readers.h"
#include "parser/readers/exim.h"

static void mailru_read(const struct message *message, struct reading *reading)
{
	if (!text_from_daemon(message) || !text_header_has(message, "From", WORDS("mail.ru")) ||
	    !text_has_banner(message,
			     WORDS("автоматически сервером Mail.Ru", "mail delivery software")))
		return;
	if (exim_notice_read(message, reading))
		reading->score = 63;
}

const struct reader reader_mailru = { "mailru", mailru_read };
