/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message as readers see it: headers and parts, decoded to UTF-8 where they are text. Filled by
 * mime.c (the only file that includes GMime); everything lives in the message's arena.
 */
#ifndef BOUNCED_PARSER_MESSAGE_H
#define BOUNCED_PARSER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/slice.h"
#include "parser/trigrams.h"

struct header {
	struct slice name;  /* as written */
	struct slice value; /* unfolded, trimmed, RFC 2047 decoded, UTF-8 */
	struct slice raw;   /* as written, folds and all, without the name and colon */
};

struct header_block {
	struct header *headers;
	size_t count;
};

enum part_kind {
	PART_TEXT,            /* text/plain */
	PART_HTML,            /* text/html */
	PART_DELIVERY_STATUS, /* message/delivery-status and message/global-delivery-status */
	PART_FEEDBACK_REPORT, /* message/feedback-report */
	PART_DISPOSITION,     /* message/disposition-notification and its global twin */
	PART_MESSAGE, /* message/rfc822, message/global: an embedded message, not descended into */
	PART_HEADERS, /* text/rfc822-headers, text/rfc822-header, message/global-headers */
	PART_OTHER,
};

/* A leaf of the MIME tree, in order of appearance. An embedded message is one leaf. */
struct part {
	enum part_kind kind;
	struct slice content_type; /* lower case "type/subtype" */
	struct slice charset;      /* lower case, as declared */
	struct slice filename;
	/* Transfer-decoded; text parts also converted to UTF-8; capped. Empty of pictures and
	 * sound, and of HTML behind other text. */
	struct slice body;
	unsigned depth; /* 0: the message's own body */
};

/* What readers ask again and again, found out once. */
struct message_facts {
	bool from_daemon;       /* text_from_daemon() */
	struct trigrams banner; /* of the text's first TEXT_BANNER_BYTES */
};

struct message {
	struct arena *arena;
	struct slice raw;
	struct header_block headers;
	struct slice content_type; /* of the message, lower case "type/subtype" */
	struct slice report_type;  /* the report-type parameter, lower case */
	struct part *parts;
	size_t part_count;
	/* The text that readers read: of the first text part; of HTML, with its tags removed, where
	 * there is no text part; UTF-8, LF or CRLF line ends. */
	struct slice text;
	const struct message_facts *facts; /* by text_prepare(); NULL before */
};

/* First header of that name, ASCII case ignored: its decoded value, or empty. */
struct slice header_value(const struct header_block *block, const char *name);
/* NULL where absent. `nth` counts from 0 among those of that name. */
const struct header *header_find(const struct header_block *block, const char *name, size_t nth);
/* The name before a line's colon; *ret_value is what follows it. Empty where the line is no header.
 */
struct slice header_split(struct slice line, struct slice *ret_value);
/* First part of that kind, or NULL. */
const struct part *message_part(const struct message *message, enum part_kind kind);

/*
 * Reads a header block that is embedded in text (a returned message's beginning): stops at the
 * first empty line. Liberal: skips lines that are no header. Decodes like the message's own.
 */
void header_block_read(struct slice text, struct arena *arena, struct header_block *ret_block);

#endif
