/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field blocks as machine-readable parts have them (RFC 3464 2.1, RFC 5965 3, RFC 8098 3.1): lines
 * "Name: value", folded like headers, blocks apart by empty lines. Read liberally: CRLF or LF,
 * white space before the colon, lines that are no field skipped. Writers forget the empty lines
 * between blocks, so each field says whether it begins a block and readers decide by names, too.
 */
#ifndef BOUNCED_PARSER_FIELDS_H
#define BOUNCED_PARSER_FIELDS_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/slice.h"

struct field {
	struct slice name;
	struct slice value; /* one line, runs of white space folded to one space, trimmed */
	bool begins_block;  /* the first, or behind an empty line */
};

struct fields {
	struct slice rest;
	struct arena *arena; /* for values that were folded */
	bool behind_empty_line;
};

void fields_init(struct fields *fields, struct slice text, struct arena *arena);
/* false at the end */
bool fields_next(struct fields *fields, struct field *ret_field);

/* The part behind the type of "rfc822; user@example.com" or "dns; mx.example"; all of it where
 * there is no type. */
struct slice field_untyped(struct slice value);
/* The type itself, "rfc822"; empty where there is none. */
struct slice field_type(struct slice value);
/* The name alone of "dns; mx.example (192.0.2.1)" or "<mx.example>". */
struct slice field_host(struct slice value);
/* Without the <> around the whole, as of a Message-ID. */
struct slice field_bare(struct slice value);
/* Runs of white space become one space; the text itself where nothing is to be done. */
struct slice field_fold(struct arena *arena, struct slice text);

#endif
