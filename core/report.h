/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parser read out of one message. All slices live in one arena and are UTF-8 as far as the
 * parser could tell (repaired again at the border to SQL and JSON). Absent text is the empty slice.
 * A report says what the mail says; nothing in it has been verified.
 */
#ifndef BOUNCED_CORE_REPORT_H
#define BOUNCED_CORE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/reason.h"
#include "core/slice.h"

struct report_recipient {
	struct slice address;  /* final recipient, as written, without <> */
	struct slice original; /* RFC 3464 Original-Recipient or what stands for it */
	enum report_action action;
	struct slice status;     /* RFC 3463 as the mail says it; empty when it says none */
	struct slice reply_code; /* three digits */
	/* The SMTP step that was refused: "CONN", "HELO", "MAIL", "RCPT", "DATA"; empty where it is
	 * not known. A hint for the rules, used inside the parser only. */
	struct slice command;
	/* What the sending system made of it, REASON_NONE where it does not say. Another hint. */
	enum reason category;
	enum reason reason;
	enum severity severity;
	enum reason_class class_;
	struct slice remote_mta;
	struct slice diagnostic; /* one line, without the "smtp;" type */
	struct slice rule;       /* id of the rule that decided */
	struct slice matched;    /* the text that the rule matched */
	bool redacted;           /* the address is a placeholder, not an address */
};

/* What another system wrote into the mail to find it again. Nobody has verified it. */
struct report_identifier {
	struct slice scheme; /* "verp", "sendgrid", "x-kumoref", … (docs/trust.md) */
	struct slice value;
};

/* What was returned of the message that the report is about. */
struct report_original {
	bool present;
	struct slice message_id; /* without <> */
	struct slice subject;    /* RFC 2047 decoded, like from and to */
	struct slice from;
	struct slice to;
	struct slice return_path;
	struct slice list_id;
	struct slice list_unsubscribe;
	struct slice feedback_id;
	struct slice cfbl_feedback_id;
	struct slice date;
	struct report_identifier *identifiers; /* also of the report's own recipient */
	size_t identifier_count;
};

/* A text that may be one of our tokens; ingest verifies it. In the order of design: the place says
 * how much its finding is worth. */
enum candidate_place {
	CANDIDATE_CFBL_FEEDBACK_ID,
	CANDIDATE_LIST_UNSUBSCRIBE,
	CANDIDATE_RETURN_PATH,
	CANDIDATE_HEADER,
	CANDIDATE_RECIPIENT,
};

struct token_candidate {
	struct slice text; /* "b-…", any case, without domain */
	enum candidate_place place;
};

struct report {
	enum report_kind kind;
	struct slice format;        /* "rfc3464", "arf", "exim", … : the reader that won */
	struct slice reporting_mta; /* name only, without "dns;" */
	int64_t arrival_date;       /* TIME_NONE when absent or unreadable */
	struct slice feedback_type; /* lower case */
	struct slice source_ip;

	/* of the report message itself */
	struct slice message_id; /* without <> */
	struct slice from;
	struct slice subject;
	int64_t date;

	struct report_recipient *recipients;
	size_t recipient_count;
	struct report_original original;
	struct token_candidate *candidates;
	size_t candidate_count;

	struct slice quarantine; /* why, for REPORT_QUARANTINED */
	struct slice flags;      /* oddities met, space-separated: "address-header-blanked …" */
	struct slice trail;      /* how the verdict came about, a line each, for --explain */
};

#endif
