/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/complete.h"

#include "parser/text.h"

static bool is_same(const struct report_recipient *a, const struct report_recipient *b)
{
	if (a->address.len > 0 && slice_equal_nocase(a->address, b->address))
		return true;
	return a->original.len > 0 && (slice_equal_nocase(a->original, b->address) ||
				       slice_equal_nocase(a->original, b->original));
}

static const struct report_recipient *find(const struct reading *other,
					   const struct report_recipient *recipient)
{
	for (size_t i = 0; i < other->recipient_count; i++) {
		if (is_same(recipient, &other->recipients[i]))
			return &other->recipients[i];
	}
	return NULL;
}

/* "X-Unix; 73": a program's exit code. What it printed says more. */
static bool is_exit_code(struct slice diagnostic)
{
	if (!slice_starts_with_nocase(diagnostic, SLICE("x-unix;")))
		return false;
	struct slice code = slice_trim(slice_skip(diagnostic, 7));
	for (size_t i = 0; i < code.len; i++) {
		if (!ascii_is_digit(code.ptr[i]))
			return false;
	}
	return code.len > 0;
}

static void complete_recipient(struct report_recipient *recipient,
			       const struct report_recipient *other)
{
	if (recipient->command.len == 0)
		recipient->command = other->command.len > 0 ? other->command
							    : text_find_command(other->diagnostic);
	if (recipient->remote_mta.len == 0)
		recipient->remote_mta = other->remote_mta;
	if (recipient->diagnostic.len > 0 &&
	    !(is_exit_code(recipient->diagnostic) && other->diagnostic.len > 0))
		return;
	recipient->diagnostic = other->diagnostic;
	/* "Status: 5.0.0", and a reply that says which */
	if (slice_ends_with(recipient->status, SLICE(".0.0")) && other->status.len > 0 &&
	    other->status.ptr[0] == recipient->status.ptr[0])
		recipient->status = other->status;
	if (recipient->reply_code.len == 0)
		recipient->reply_code = other->reply_code;
}

void reading_complete(struct reading *reading, const struct reading *other)
{
	for (size_t i = 0; i < reading->recipient_count; i++) {
		struct report_recipient *recipient = &reading->recipients[i];
		const struct report_recipient *same = find(other, recipient);

		if (same)
			complete_recipient(recipient, same);
	}
}
