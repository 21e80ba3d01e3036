/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notices in sections: most mail systems write a banner, a list of recipients behind one phrase,
 *the reason behind another, and then return the message behind a marker. Such a dialect is a table
 *of these phrases, and reading it is one call.
 *
 *	static const struct notice acme = {
 *		.banner = WORDS("ACME could not deliver your message"),
 *		.list = WORDS("Recipients:"),
 *		.reason = WORDS("Reason:"),
 *		.returned = WORDS("Original message follows"),
 *	};
 *	NOTICE_READER(acme, &acme)
 *
 * Every phrase is looked for in the notice only, never in the returned message.
 */
#ifndef BOUNCED_PARSER_NOTICE_H
#define BOUNCED_PARSER_NOTICE_H

#include <stdbool.h>

#include "parser/reader.h"
#include "parser/text.h"

#define WORDS(...)                \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

struct notice {
	/* -- evidence: each that is given must be there -- */
	const char *const *from;    /* one of these in From */
	const char *const *subject; /* one of these in Subject */
	const char *const *mailer;  /* one of these in X-Mailer */
	const char *const *banner;  /* one of these in the beginning of the text */
	bool any_sender;            /* else text_from_daemon() must agree */
	int score;                  /* 0: 60 */

	/* -- sections -- */
	const char *const *returned; /* a line that begins so ends the notice */
	const char *const *list;     /* behind these words stand recipients; NULL: anywhere */
	const char *const *reason;   /* behind these words stands why; may come more than once */
	const char *const *stop;     /* a line with these words ends the section before it */
	unsigned form;               /* enum text_form of the recipients */
	bool named_by_returned;      /* when the notice names nobody, the returned message does */
	bool one_per_list;           /* the first recipient behind each of `list` is the only one */
	bool reason_only;            /* what follows the recipient is no reason */
	bool reason_above;           /* the paragraph above the recipient says why */

	/* -- kind -- */
	const char *const *delay; /* one of these anywhere in the notice: still being tried */
};

/*
 * Fills the reading where the message is that dialect and names a recipient. What is said about a
 * recipient is his own entry's body; where that is blank, the reason sections together.
 * *ret_notice, where not NULL, is the text before the returned message. Returns whether it was
 * read.
 */
bool notice_read(const struct notice *notice, const struct message *message,
		 struct reading *reading, struct slice *ret_notice);

/* Whether the evidence is there. */
bool notice_recognise(const struct notice *notice, const struct message *message);

#define NOTICE_READER(dialect, table)                                                      \
	static void dialect##_read(const struct message *message, struct reading *reading) \
	{                                                                                  \
		notice_read(table, message, reading, NULL);                                \
	}                                                                                  \
	const struct reader reader_##dialect = { #dialect, dialect##_read }

#endif
