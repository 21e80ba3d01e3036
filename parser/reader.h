/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader knows one dialect: how one mail system words its reports. It turns a message into a
 * reading; the reading with the best score wins. Readers decide whom the report is about and what
 * the other side said; the reason follows later, from the rules, unless the dialect itself says it.
 *
 * One file a dialect in parser/readers/, one table in readers.c that lists them.
 */
#ifndef BOUNCED_PARSER_READER_H
#define BOUNCED_PARSER_READER_H

#include <stdbool.h>

#include "core/report.h"
#include "parser/message.h"

/*
 * What a reader found. Zeroed before the reader runs. A recipient needs an address (or `redacted`);
 * action, status, reply_code, remote_mta, diagnostic, original are filled where the dialect has
 * them; a diagnostic is one line (fold runs of white space). reason is set only where the dialect's
 * own words decide it beyond what the diagnostic says, and `rule` then names it ("reader/exim/…").
 */
struct reading {
	enum report_kind kind;
	struct report_recipient *recipients; /* grown by reading_add() */
	size_t recipient_count;
	size_t recipient_cap;
	struct slice reporting_mta;
	struct slice arrival_date;
	struct slice feedback_type;
	struct slice source_ip;
	struct slice return_path; /* of the original, where the report names it; without <> */
	struct slice returned; /* the returned message or its headers, where the reader knows it */
	/* How sure: 0 not this dialect; 1..39 a guess from words; 40..79 its banner or structure
	 * was recognised; 80..100 a machine-readable part was read. */
	int score;
};

struct reader {
	const char *name; /* becomes report.format */
	/* Must be cheap where the dialect is not recognised: return with score 0. */
	void (*read)(const struct message *message, struct reading *reading);
};

/* NULL past LIMIT_REPORT_RECIPIENTS. The recipient is zeroed. */
struct report_recipient *reading_add(const struct message *message, struct reading *reading);

extern const struct reader *const READERS[];
extern const size_t READER_COUNT;

#endif
