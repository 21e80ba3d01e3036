/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amazon SES: notifications that SNS mails, which are JSON within a JSON string; and the text of
 * its bounces. The few fields that matter are taken by name, so both levels of quoting are read
 * alike.
 */
#include "core/status.h"
#include "parser/notice.h"
#include "parser/readers.h"

static const struct notice text_notice = {
	.banner = WORDS("An error occurred while trying to deliver the mail to the following"),
	.list = WORDS("to the following recipients"),
	.stop = WORDS("Technical report"),
	.form = TEXT_ALONE,
	.score = 60,
};

/* The string value of a field: name, quotes and backslashes, colon, quotes and backslashes, value.
 */
static struct slice json_string(struct slice text, const char *name)
{
	struct slice value = text_after(text, name);
	size_t at = 0, len = 0;

	while (at < value.len && slice_find_byte(SLICE("\\\": "), value.ptr[at]) >= 0)
		at++;
	value = slice_skip(value, at);
	while (len < value.len && value.ptr[len] != '"' && value.ptr[len] != '\\')
		len++;
	return slice_head(value, len);
}

/* What stands up to the end of this recipient's object. */
static struct slice object_at(struct slice text)
{
	ptrdiff_t end = slice_find_byte(text, '}');

	return end < 0 ? text : slice_head(text, (size_t)end);
}

static void read_recipients(const struct message *message, struct reading *reading,
			    struct slice list)
{
	struct slice rest = list, address;

	for (;;) {
		rest = text_after(rest, "emailAddress");
		if (slice_empty(rest))
			return;
		struct slice object = object_at(rest);
		if (!text_find_address(slice_head(object, 1024), &address))
			continue;
		struct report_recipient *recipient =
			text_add(message, reading, address, json_string(object, "diagnosticCode"));
		struct slice status = status_find(json_string(object, "status"));
		if (recipient && !slice_empty(status))
			recipient->status = status;
	}
}

static bool notification_read(const struct message *message, struct reading *reading)
{
	struct slice text = message->text;
	struct slice type = json_string(text, "notificationType");

	if (slice_empty(type))
		type = json_string(text, "eventType");
	if (slice_equal(type, SLICE("Bounce"))) {
		reading->kind = REPORT_BOUNCE;
		read_recipients(message, reading, text_after(text, "bouncedRecipients"));
	} else if (slice_equal(type, SLICE("Complaint"))) {
		reading->kind = REPORT_COMPLAINT;
		reading->feedback_type = json_string(text, "complaintFeedbackType");
		read_recipients(message, reading, text_after(text, "complainedRecipients"));
	} else if (slice_equal(type, SLICE("Delivery"))) {
		reading->kind = REPORT_DELIVERED;
		struct slice list = text_after(text, "recipients"), address;
		if (text_find_address(slice_head(list, 1024), &address))
			text_add(message, reading, address, json_string(text, "smtpResponse"));
	}
	return reading->recipient_count > 0;
}

static void amazonses_read(const struct message *message, struct reading *reading)
{
	if (text_header_has(message, "From", WORDS("sns.amazonaws.com")) &&
	    text_has_banner(message, WORDS("\"Notification\"", "notificationType", "eventType"))) {
		if (notification_read(message, reading))
			reading->score = 75;
		return;
	}
	if (text_header_has(message, "From", WORDS("amazonses.com", "amazonaws.com")))
		notice_read(&text_notice, message, reading, NULL);
}

const struct reader reader_amazonses = { "amazonses", amazonses_read };
