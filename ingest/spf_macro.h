/* SPDX-License-Identifier: Apache-2.0 */
/* Macros of SPF (RFC 7208 7): their syntax, and their expansion to names. */
#ifndef BOUNCED_INGEST_SPF_MACRO_H
#define BOUNCED_INGEST_SPF_MACRO_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/slice.h"

/* What the letters stand for. */
struct spf_macros {
	struct slice sender;        /* s: local@domain */
	struct slice local;         /* l */
	struct slice sender_domain; /* o */
	struct slice domain;        /* d: the current one */
	struct slice ip;            /* i: dotted, IPv6 by nibbles */
	struct slice version;       /* v: "in-addr" or "ip6" */
	struct slice helo;          /* h */
	struct slice validated;     /* p: a name of the address, or "unknown" */
};

/* A piece of a macro-string: literal text, or what one letter is expanded and transformed to. */
struct spf_piece {
	struct slice literal; /* where letter is 0 */
	char letter;          /* in lower case */
	bool escape;          /* it stood in upper case: URL-escaped */
	bool reverse;
	unsigned parts;          /* right-hand ones to keep; 0: all */
	struct slice delimiters; /* empty: "." */
};

/* Takes the next piece off *rest. 1: one; 0: *rest was empty; -1: a syntax error. */
int spf_piece_next(struct slice *rest, struct spf_piece *ret_piece);

/* The whole is a macro-string. */
bool spf_macro_string_valid(struct slice text);
/* It is a domain-spec: a macro-string that ends with a macro or with a top label. */
bool spf_domain_spec_valid(struct slice text);
/* The letter (in lower case) is expanded somewhere in the valid macro-string. */
bool spf_macro_uses(struct slice text, char letter);
/* A valid domain-spec as a name, at most 253 bytes: what is longer loses labels on its left. */
struct slice spf_macro_expand(struct slice text, const struct spf_macros *macros,
			      struct arena *arena);

#endif
