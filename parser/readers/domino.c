/* SPDX-License-Identifier: Apache-2.0 */
/* Domino (Lotus Notes): "was not delivered to:", then "because:", in the language of the server. */
#include "parser/notice.h"
#include "parser/readers.h"

static const char *const LISTS[] = { "was not delivered to:",
				     "n'a pas été remis à",
				     "n'a pas pu être remis à",
				     "wurde nicht zugestellt an",
				     "konnte nicht zugestellt werden an",
				     "no se ha entregado a",
				     "no se entregó a",
				     "non è stato consegnato a",
				     "não foi entregue a",
				     "は次の宛先に配信されませんでした",
				     NULL };

static const struct notice domino = {
	.banner = LISTS,
	.list = LISTS,
	.reason = WORDS("because:", "car :", "car:", "parce que", "pour la raison",
			"weil:", "Grund:", "porque:", "perché:", "理由:"),
	.returned = WORDS("Original message"),
	.form = TEXT_ALONE,
	.score = 61,
};

NOTICE_READER(domino, &domino);
