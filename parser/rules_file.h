/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict reader of rule files: text in, rules out, nothing compiled. docs/classification.md
 * describes the format. Every error names its file and line.
 */
#ifndef BOUNCED_PARSER_RULES_FILE_H
#define BOUNCED_PARSER_RULES_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/reason.h"
#include "core/slice.h"

#define RULE_NONE ((size_t)-1)

struct slice_list {
	struct slice *items;
	size_t count;
	size_t cap;
};

struct rule_pattern {
	struct slice text;
	struct slice file;
	unsigned line;
};

/* Patterns of which one must match: those of a `words` block or of one rule. */
struct rule_words {
	struct slice name; /* empty for a rule's own */
	size_t first;      /* in the book's patterns */
	size_t count;
};

/* Whose servers the rules that follow speak of. */
struct rule_provider {
	struct slice name;
	struct slice_list hosts;   /* domain name suffixes of the remote host */
	struct slice_list domains; /* of the recipient's domain */
};

/* "5.7.606-649", "x.1.1", "5.2.*" */
struct status_range {
	unsigned class_; /* 0: any */
	unsigned subject_low, subject_high;
	unsigned detail_low, detail_high;
};

struct rule_example {
	struct slice text;
	unsigned line;
	bool matches; /* false: a `not` line */
};

struct rule {
	struct slice id;
	struct slice file;
	unsigned line;
	enum reason reason;
	size_t provider; /* index, or RULE_NONE */
	size_t words;    /* index, or RULE_NONE */
	struct status_range *statuses;
	size_t status_count;
	bool no_status;             /* a reply without any status fits, too */
	struct slice_list codes;    /* "550", "5xx" */
	struct slice_list commands; /* upper case; "NONE": not known */
	struct slice_list agents;
	struct rule_example *examples;
	size_t example_count;
	size_t example_cap;
};

/* All files of one set of rules, in order. Zeroed before the first; everything is in the arena. */
struct rule_book {
	struct arena *arena;
	struct rule *rules;
	size_t rule_count, rule_cap;
	struct rule_pattern *patterns;
	size_t pattern_count, pattern_cap;
	struct rule_words *words;
	size_t words_count, words_cap;
	struct rule_provider *providers;
	size_t provider_count, provider_cap;
};

/*
 * Adds the rules of a file; its text is copied. ERR_REFUSE: *ret_error (in the book's arena) says
 * "name:line: what is wrong", and the book is not to be used further.
 */
enum err rule_book_read(struct rule_book *book, struct slice name, struct slice text,
			struct slice *ret_error) MUST_CHECK;

#endif
