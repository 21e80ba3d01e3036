/* SPDX-License-Identifier: Apache-2.0 */
/* Amazon WorkMail: the fields of a delivery status report as text, below "Technical report:". */
#include "core/status.h"
#include "parser/fields.h"
#include "parser/notice.h"
#include "parser/readers.h"

/* "554 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.2 Connection timed out>":
 * the last reply is what kept it from being delivered, and its status says more than "expired". */
static void read_diagnostic(const struct message *message, struct slice value,
			    struct report_recipient *recipient)
{
	ptrdiff_t last = slice_rfind_byte(value, '<');
	struct text_reply reply = last < 0 ? (struct text_reply){ SLICE_NONE, SLICE_NONE }
					   : text_reply_find(slice_skip(value, (size_t)last));

	if (!slice_empty(reply.code) && !slice_empty(reply.status)) {
		recipient->reply_code = reply.code;
		recipient->status = reply.status;
	}
	text_diagnose(message->arena, value, recipient);
}

static void read_field(const struct message *message, struct reading *reading,
		       const struct field *field)
{
	struct report_recipient *recipient =
		reading->recipient_count > 0 ? &reading->recipients[reading->recipient_count - 1]
					     : NULL;
	struct slice address;

	if (slice_equal_nocase(field->name, SLICE("Final-Recipient"))) {
		if (text_whole_address(field->value, &address))
			text_add(message, reading, address, SLICE_NONE);
	} else if (slice_equal_nocase(field->name, SLICE("Reporting-MTA"))) {
		reading->reporting_mta = field_untyped(field->value);
	} else if (recipient && slice_equal_nocase(field->name, SLICE("Diagnostic-Code"))) {
		read_diagnostic(message, field->value, recipient);
	} else if (recipient && slice_equal_nocase(field->name, SLICE("Remote-MTA"))) {
		recipient->remote_mta = field_untyped(field->value);
	} else if (recipient && slice_empty(recipient->status) &&
		   slice_equal_nocase(field->name, SLICE("Status"))) {
		status_parse_prefix(field->value, &recipient->status);
	}
}

static void amazonworkmail_read(const struct message *message, struct reading *reading)
{
	struct fields fields;
	struct field field;

	if (!text_from_daemon(message) ||
	    !text_has_banner(message, WORDS("An error occurred while trying to deliver the mail")))
		return;
	struct slice report = text_after(message->text, "Technical report:");
	reading->kind = text_has(report, WORDS("Action: delayed")) ? REPORT_DELAY : REPORT_BOUNCE;
	fields_init(&fields, report, message->arena);
	while (fields_next(&fields, &field))
		read_field(message, reading, &field);
	if (reading->recipient_count > 0)
		reading->score = 82;
}

const struct reader reader_amazonworkmail = { "amazonworkmail", amazonworkmail_read };
