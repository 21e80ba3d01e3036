/* SPDX-License-Identifier: Apache-2.0 */
#include "app/demo_messages.h"

#include <assert.h>

#include "core/buf.h"

#define RENDERED_MAX 65536

/* What the platform had sent, as reports return it. */
#define ORIGINAL_HEADERS                           \
	"Return-Path: <{return_path}>\n"           \
	"From: Example Shop <news@shop.example>\n" \
	"To: <{recipient}>\n"                      \
	"Subject: The autumn collection is here\n" \
	"Date: {date}\n"                           \
	"Message-ID: <mail-{id}@shop.example>\n"

static const char UNKNOWN_USER[] =
	"From: Mail Delivery System <MAILER-DAEMON@mx.customer.example>\n"
	"To: <{return_path}>\n"
	"Subject: Undelivered mail\n"
	"Date: {date}\n"
	"Message-ID: <unknown-{id}@mx.customer.example>\n"
	"Auto-Submitted: auto-replied\n"
	"MIME-Version: 1.0\n"
	"Content-Type: multipart/report; report-type=delivery-status; boundary=\"next-part\"\n"
	"\n"
	"--next-part\n"
	"Content-Type: text/plain\n"
	"\n"
	"Your message could not be delivered: there is no such person here.\n"
	"--next-part\n"
	"Content-Type: message/delivery-status\n"
	"\n"
	"Reporting-MTA: dns; mx.customer.example\n"
	"Arrival-Date: {date}\n"
	"\n"
	"Final-Recipient: rfc822; {recipient}\n"
	"Action: failed\n"
	"Status: 5.1.1\n"
	"Remote-MTA: dns; store.customer.example\n"
	"Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: user unknown\n"
	"\n"
	"--next-part\n"
	"Content-Type: text/rfc822-headers\n"
	"\n" ORIGINAL_HEADERS "\n"
	"--next-part--\n";

static const char MAILBOX_FULL[] =
	"From: Mail Delivery System <MAILER-DAEMON@mx.customer.example>\n"
	"To: <{return_path}>\n"
	"Subject: Undelivered mail\n"
	"Date: {date}\n"
	"Message-ID: <full-{id}@mx.customer.example>\n"
	"Auto-Submitted: auto-replied\n"
	"MIME-Version: 1.0\n"
	"Content-Type: multipart/report; report-type=delivery-status; boundary=\"next-part\"\n"
	"\n"
	"--next-part\n"
	"Content-Type: text/plain\n"
	"\n"
	"We have tried for three days, and the mailbox is still full.\n"
	"--next-part\n"
	"Content-Type: message/delivery-status\n"
	"\n"
	"Reporting-MTA: dns; mx.customer.example\n"
	"Arrival-Date: {date}\n"
	"\n"
	"Final-Recipient: rfc822; {recipient}\n"
	"Action: failed\n"
	"Status: 4.2.2\n"
	"Diagnostic-Code: smtp; 452 4.2.2 mailbox is full, quota exceeded\n"
	"\n"
	"--next-part\n"
	"Content-Type: text/rfc822-headers\n"
	"\n" ORIGINAL_HEADERS "\n"
	"--next-part--\n";

static const char BLOCKED[] =
	"From: Mail Delivery System <MAILER-DAEMON@mx.filter.example>\n"
	"To: <{return_path}>\n"
	"Subject: Undelivered mail\n"
	"Date: {date}\n"
	"Message-ID: <blocked-{id}@mx.filter.example>\n"
	"Auto-Submitted: auto-replied\n"
	"MIME-Version: 1.0\n"
	"Content-Type: multipart/report; report-type=delivery-status; boundary=\"next-part\"\n"
	"\n"
	"--next-part\n"
	"Content-Type: message/delivery-status\n"
	"\n"
	"Reporting-MTA: dns; mx.filter.example\n"
	"Arrival-Date: {date}\n"
	"\n"
	"Final-Recipient: rfc822; {recipient}\n"
	"Action: failed\n"
	"Status: 5.7.1\n"
	"Diagnostic-Code: smtp; 554 5.7.1 192.0.2.7 is listed on a blocklist\n"
	"\n"
	"--next-part\n"
	"Content-Type: text/rfc822-headers\n"
	"\n" ORIGINAL_HEADERS "\n"
	"--next-part--\n";

/* Providers of feedback loops remove the recipient; the token in what they return remains. */
static const char COMPLAINT[] =
	"From: Feedback <feedback@provider.example>\n"
	"To: <{return_path}>\n"
	"Subject: Complaint\n"
	"Date: {date}\n"
	"Message-ID: <complaint-{id}@provider.example>\n"
	"MIME-Version: 1.0\n"
	"Content-Type: multipart/report; report-type=feedback-report; boundary=\"next-part\"\n"
	"\n"
	"--next-part\n"
	"Content-Type: text/plain\n"
	"\n"
	"A user has marked this message as spam.\n"
	"--next-part\n"
	"Content-Type: message/feedback-report\n"
	"\n"
	"Feedback-Type: abuse\n"
	"User-Agent: Feedback/1.0\n"
	"Version: 1\n"
	"Original-Rcpt-To: redacted\n"
	"Source-IP: 192.0.2.7\n"
	"\n"
	"--next-part\n"
	"Content-Type: message/rfc822\n"
	"\n"
	"Return-Path: <{return_path}>\n"
	"From: Example Shop <news@shop.example>\n"
	"To: <redacted>\n"
	"Subject: The autumn collection is here\n"
	"Date: {date}\n"
	"Message-ID: <mail-{id}@shop.example>\n"
	"\n"
	"Dear customer,\n"
	"--next-part--\n";

static const char OUT_OF_OFFICE[] = "From: <{recipient}>\n"
				    "To: <{return_path}>\n"
				    "Subject: Out of office: The autumn collection is here\n"
				    "Date: {date}\n"
				    "Message-ID: <away-{id}@office.example>\n"
				    "In-Reply-To: <mail-{id}@shop.example>\n"
				    "Auto-Submitted: auto-replied\n"
				    "\n"
				    "I am away until Monday and will answer your mail then.\n";

const struct demo_message DEMO_MESSAGES[] = {
	{ "the recipient does not exist", "gone@customer.example", TOKEN_BOUNCE, UNKNOWN_USER },
	{ "the mailbox is full", "full@customer.example", TOKEN_BOUNCE, MAILBOX_FULL },
	{ "the sender's address is blocklisted", "kim@filter.example", TOKEN_BOUNCE, BLOCKED },
	{ "a complaint, the recipient redacted", "annoyed@provider.example", TOKEN_COMPLAINT,
	  COMPLAINT },
	{ "an out-of-office reply", "busy@office.example", TOKEN_BOUNCE, OUT_OF_OFFICE },
};
const size_t DEMO_MESSAGE_COUNT = sizeof(DEMO_MESSAGES) / sizeof(DEMO_MESSAGES[0]);

static struct slice value_of(const struct demo_message *message, const struct demo_values *values,
			     struct slice name)
{
	if (slice_equal(name, SLICE("recipient")))
		return slice_from_cstr(message->recipient);
	if (slice_equal(name, SLICE("return_path")))
		return values->return_path;
	if (slice_equal(name, SLICE("date")))
		return values->date;
	assert(slice_equal(name, SLICE("id")));
	return values->id;
}

struct slice demo_message_render(const struct demo_message *message,
				 const struct demo_values *values, struct arena *arena)
{
	struct slice rest = slice_from_cstr(message->text);
	struct slice rendered;
	struct buf out;

	buf_init(&out, RENDERED_MAX);
	while (!slice_empty(rest)) {
		char c = rest.ptr[0];

		rest = slice_skip(rest, 1);
		if (c == '\n') {
			buf_append_cstr(&out, "\r\n");
		} else if (c == '{') {
			struct slice name = slice_head(rest, (size_t)slice_find_byte(rest, '}'));

			buf_append(&out, value_of(message, values, name));
			rest = slice_skip(rest, name.len + 1);
		} else {
			buf_append_byte(&out, c);
		}
	}
	rendered = arena_copy(arena, buf_slice(&out));
	buf_done(&out);
	return rendered;
}
