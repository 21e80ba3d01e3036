/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Postfix, the text part of its bounces (bounce(5)): "<address>: what happened", wrapped at 80
 * columns, an empty line between recipients. The preamble is a template that operators change, so
 * the form of the list counts more than the words above it.
 */
#include "parser/notice.h"
#include "parser/readers.h"

static const char *const BANNERS[] = { "This is the mail system at host", "program at host",
				       "I'm sorry to have to inform you that",
				       "Enclosed is the mail delivery report", NULL };
static const char *const SUBJECTS[] = { "Undelivered Mail Returned to Sender",
					"Delayed Mail (still being retried)",
					"Successful Mail Delivery Report", NULL };
static const char *const RETURNED[] = { "Undelivered Message", "Original message follows",
					"Below this line is a copy", NULL };
static const char *const DELAYS[] = { "THIS IS A WARNING ONLY",
				      "could not be delivered for more than",
				      "It will be retried until", NULL };
static const char *const SUCCESSES[] = { "Your message was successfully delivered", NULL };

static enum report_kind kind_of(struct slice text)
{
	if (text_has(text, SUCCESSES))
		return REPORT_DELIVERED;
	return text_has(text, DELAYS) ? REPORT_DELAY : REPORT_BOUNCE;
}

/* "delivery via mx.example[192.0.2.1]:25: 250 2.1.5 Ok", "delivered to maildir": a report that
 * somebody asked for lists what went well beside what did not. */
static enum report_action action_of(struct slice words)
{
	if (slice_starts_with(words, SLICE("delivery via ")))
		return ACTION_RELAYED;
	return slice_starts_with(words, SLICE("delivered to ")) ? ACTION_DELIVERED : ACTION_NONE;
}

static bool all_went_well(const struct reading *reading)
{
	for (size_t i = 0; i < reading->recipient_count; i++) {
		if (reading->recipients[i].action == ACTION_FAILED)
			return false;
	}
	return reading->recipient_count > 0;
}

static void postfix_read(const struct message *message, struct reading *reading)
{
	struct text_entries entries;
	struct text_entry entry;

	if (!text_from_daemon(message))
		return;
	bool banner = text_has_banner(message, BANNERS);
	if (!banner && !text_header_has(message, "Subject", SUBJECTS))
		return;
	struct slice text = text_split(message->text, RETURNED, &reading->returned);
	reading->kind = kind_of(text);
	reading->reporting_mta = text_name_after(slice_head(text, TEXT_BANNER_BYTES), " at host ");
	text_entries_init(&entries, text,
			  TEXT_ANGLE | TEXT_COLON | TEXT_SAME_INDENT | TEXT_BLANK_ENDS);
	while (text_entries_next(&entries, &entry)) {
		/* unwrapped first: a number at the beginning of a line means nothing here */
		struct slice words = text_fold(message->arena, entry.body);
		struct report_recipient *recipient =
			text_add(message, reading, entry.address, words);
		if (recipient)
			recipient->original = entry.original;
		if (recipient && action_of(words) != ACTION_NONE)
			recipient->action = action_of(words);
	}
	if (reading->kind == REPORT_BOUNCE && all_went_well(reading))
		reading->kind = REPORT_DELIVERED;
	/* "--- Delivery report unavailable ---" */
	if (reading->recipient_count == 0 &&
	    !(banner && text_add_returned(message, reading, SLICE_NONE)))
		return;
	reading->score = banner ? 65 : 50;
}

const struct reader reader_postfix = { "postfix", postfix_read };
