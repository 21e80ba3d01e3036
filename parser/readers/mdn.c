/* SPDX-License-Identifier: Apache-2.0 */
/* Message disposition notifications (RFC 8098): somebody, or his program, has dealt with a mail. */
#include "parser/fields.h"
#include "parser/readers.h"
#include "parser/redaction.h"

static void read_part(const struct message *message, struct reading *reading, struct slice body)
{
	struct fields fields;
	struct field field;
	struct slice final = SLICE_NONE;
	struct slice original = SLICE_NONE;

	fields_init(&fields, body, message->arena);
	while (fields_next(&fields, &field)) {
		struct slice value = field_untyped(field.value);
		if (slice_equal_nocase(field.name, SLICE("Final-Recipient")))
			final = recipient_clean(value);
		else if (slice_equal_nocase(field.name, SLICE("Original-Recipient")))
			original = recipient_clean(value);
	}
	if (final.len == 0)
		return;
	struct report_recipient *recipient = reading_add(message, reading);
	recipient->address = final;
	recipient->original = original;
	recipient->redacted = recipient_redacted(final);
}

static void mdn_read(const struct message *message, struct reading *reading)
{
	const struct part *part = message_part(message, PART_DISPOSITION);
	bool named = slice_equal(message->report_type, SLICE("disposition-notification"));

	if (!part && !named)
		return;
	if (part)
		read_part(message, reading, part->body);
	reading->kind = REPORT_MDN;
	reading->score = 85;
}

const struct reader reader_mdn = { "mdn", mdn_read };
