/* SPDX-License-Identifier: Apache-2.0 */
/*
 * iPlanet, Sun and Oracle Messaging Server: labelled rows. The recipient address may be a route to
 * the mail store ("@store.example:user@ims_daemon"); the address that was mailed then stands below.
 */
#include "parser/notice.h"
#include "parser/readers.h"

static const char *const BANNERS[] = {
	"This report relates to a message you sent with the following", NULL
};

/* "@store.example:user@ims_daemon", "user@ims-ms-daemon": the way to the mail store. */
static bool is_route(struct slice address)
{
	ptrdiff_t at = slice_rfind_byte(address, '@');

	return slice_starts_with(address, SLICE("@")) ||
	       (at > 0 && slice_find_byte(slice_skip(address, (size_t)at), '.') < 0);
}

static enum report_kind kind_of(const struct message *message)
{
	if (text_header_has(message, "Subject", WORDS("and failed", "has failed")))
		return REPORT_BOUNCE;
	return text_has_banner(message, WORDS("has been enqueued and undeliverable",
					      "not yet been delivered",
					      "will continue to try to deliver your message"))
		       ? REPORT_DELAY
		       : REPORT_BOUNCE;
}

static void add_rows(const struct message *message, struct reading *reading, struct slice rows)
{
	struct slice address = text_row(rows, "Recipient address:");
	struct slice original = text_row(rows, "Original address:");
	struct slice words = text_row(rows, "Diagnostic code:");

	if (slice_empty(words))
		words = text_row(rows, "Reason:");
	if (is_route(address) && !slice_empty(original))
		address = original;
	if (!text_whole_address(address, &address))
		return;
	struct report_recipient *recipient = text_add(message, reading, address, words);
	if (!recipient)
		return;
	if (text_whole_address(original, &original))
		recipient->original = original;
	struct slice host = text_name_after(text_row(rows, "Remote system:"), "dns;");
	if (!slice_empty(host))
		recipient->remote_mta = host;
}

static void messagingserver_read(const struct message *message, struct reading *reading)
{
	static const char *const next[] = { "Recipient address:", NULL };
	struct slice rest, line, after;

	if (!text_from_daemon(message) || !text_has_banner(message, BANNERS))
		return;
	reading->kind = kind_of(message);
	rest = message->text;
	while (slice_next_line(&rest, &line)) {
		if (!text_line_starts(line, next, &after))
			continue;
		struct slice more;
		struct slice rows = text_split(rest, next, &more);
		/* the first row's own line belongs to it */
		add_rows(message, reading,
			 slice_from(line.ptr, (size_t)(rows.ptr + rows.len - line.ptr)));
		rest = slice_skip(rest, rows.len);
	}
	if (reading->recipient_count > 0)
		reading->score = 62;
}

const struct reader reader_messagingserver = { "messagingserver", messagingserver_read };
