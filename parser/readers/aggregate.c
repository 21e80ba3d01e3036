/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aggregate reports, which say nothing about a recipient: DMARC (RFC 7489 7.2) and SMTP TLS
 * (RFC 8460). Recognised by their type, their file name or their subject, and never unpacked.
 */
#include "parser/readers.h"

static bool has_type(const struct message *message, struct slice type)
{
	for (size_t i = 0; i < message->part_count; i++) {
		if (slice_starts_with(message->parts[i].content_type, type))
			return true;
	}
	return false;
}

/* receiver "!" policy-domain "!" begin "!" end [ "!" id ] "." extension */
static bool is_dmarc_file(struct slice name)
{
	static const struct slice ENDS[] = {
		SLICE_LITERAL(".xml"),
		SLICE_LITERAL(".xml.gz"),
		SLICE_LITERAL(".zip"),
		SLICE_LITERAL(".gz"),
	};
	struct slice rest = name;
	struct slice field;
	unsigned fields = 0;
	bool end = false;

	while (slice_next_field(&rest, '!', &field))
		fields++;
	for (size_t i = 0; i < sizeof(ENDS) / sizeof(ENDS[0]); i++)
		end |= slice_ends_with_nocase(name, ENDS[i]);
	return fields >= 4 && end;
}

static bool has_dmarc_file(const struct message *message)
{
	for (size_t i = 0; i < message->part_count; i++) {
		if (is_dmarc_file(message->parts[i].filename))
			return true;
	}
	return false;
}

/* RFC 7489 7.2.1.1: "Report Domain: example.com Submitter: mail.example Report-ID: <…>" */
static bool has_dmarc_subject(const struct message *message)
{
	struct slice subject = header_value(&message->headers, "Subject");

	return slice_find_nocase(subject, SLICE("Report Domain:")) >= 0 &&
	       (slice_find_nocase(subject, SLICE("Submitter:")) >= 0 ||
		slice_find_nocase(subject, SLICE("Report-ID")) >= 0);
}

static void aggregate_read(const struct message *message, struct reading *reading)
{
	bool tls = slice_equal(message->report_type, SLICE("tlsrpt")) ||
		   has_type(message, SLICE("application/tlsrpt"));

	if (!tls && !has_dmarc_file(message) && !has_dmarc_subject(message))
		return;
	reading->kind = tls ? REPORT_TLSRPT : REPORT_DMARC;
	reading->score = 82;
}

const struct reader reader_aggregate = { "aggregate", aggregate_read };
