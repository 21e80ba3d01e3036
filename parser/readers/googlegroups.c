/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google Groups: the group does not exist or does not take mail from this sender, in the language
 * of the group. The words say no more than that, in any language, so the dialect decides the
 * reason.
 */
#include "parser/notice.h"
#include "parser/readers.h"

static void googlegroups_read(const struct message *message, struct reading *reading)
{
	struct slice failed = header_value(&message->headers, "X-Failed-Recipients"), address;

	if (!text_from_daemon(message) || !text_find_address(failed, &address) ||
	    !text_has_banner(message, WORDS("groups.google.com/support", "support.google.com/a/",
					    "groups.google.com")) ||
	    !text_has_banner(message, WORDS("Google Groups", "Google Group")))
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
