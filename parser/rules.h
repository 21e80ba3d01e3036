/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reasons as data: ordered rules, the first that matches decides. parser/rules/ holds the built-in
 * ones; docs/classification.md describes the format.
 */
#ifndef BOUNCED_PARSER_RULES_H
#define BOUNCED_PARSER_RULES_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/reason.h"
#include "core/slice.h"

/* What a rule may look at. Absent things are empty. */
struct reply {
	struct slice status;      /* RFC 3463, as the report says it */
	struct slice reply_code;  /* three digits */
	struct slice remote_host; /* who said it: Remote-MTA, or the host named in the text */
	struct slice text;        /* the diagnostic */
	struct slice agent;       /* the reader that found it: "exim", "x3", … */
	struct slice domain;      /* of the recipient */
};

struct classification {
	enum reason reason;  /* REASON_NONE where no rule matched */
	struct slice rule;   /* id; lives as long as the rules */
	struct slice matched;/* points into reply's slices */
};

struct rules;

/* The built-in rules, compiled. Aborts when they are broken (the linter and the tests keep that from
 * happening). Caller frees. */
struct rules *rules_builtin(void);
void rules_free(struct rules *rules);

/* Thread-safe on different replies as long as each thread has its own rules. */
struct classification rules_classify(const struct rules *rules, const struct reply *reply);

#endif
