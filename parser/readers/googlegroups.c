/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google Groups: the group does not exist or does not take mail from this sender, in the language
 * of the group. The words say no more than that, in any language, so the dialect decides the
 * reason.
 */
#include "parser/notice.h"
#include "parser/readers.h"

/* In some languages the product is called otherwise; the group's name is not. */
static bool names_group(const struct message *message, struct slice address)
{
	ptrdiff_t at = slice_find_byte(address, '@');
	struct slice text = slice_head(message->text, TEXT_BANNER_BYTES);

	return text_has_banner(message, WORDS("Google Group")) ||
	       (at > 0 && slice_find_nocase(text, slice_head(address, (size_t)at)) >= 0);
}

static void googlegroups_read(const struct message *message, struct reading *reading)
{
	struct slice failed = header_value(&message->headers, "X-Failed-Recipients"), address;

	if (!text_from_daemon(message) || !text_find_address(failed, &address) ||
	    !text_has_banner(message, WORDS("groups.google.com", "support.google.com/a/")) ||
	    !names_group(message, address))
		return;
	struct slice text =
		text_split(message->text, WORDS("Original message"), &reading->returned);
	reading->kind = REPORT_BOUNCE;
	struct report_recipient *recipient = text_add(message, reading, address, text);
	if (recipient && slice_empty(recipient->status)) {
		recipient->reason = REASON_REJECTED;
		recipient->rule = SLICE("reader/googlegroups/refused");
	}
	reading->score = 66;
}

const struct reader reader_googlegroups = { "googlegroups", googlegroups_read };
