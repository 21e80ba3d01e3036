/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reasons as data: ordered rules, the first that matches decides. parser/rules/ holds the built-in
 * ones; docs/classification.md describes the format. An operator's own files come before them.
 *
 * Everything is compiled when the rules are loaded; classifying allocates nothing and opens
 * nothing, so it works in a closed sandbox. Patterns run under limits: one that exceeds them does
 * not match.
 */
#ifndef BOUNCED_PARSER_RULES_H
#define BOUNCED_PARSER_RULES_H

#include <stdbool.h>
#include <stddef.h>

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
	struct slice command;     /* what was refused: "CONN", "HELO", "MAIL", "RCPT", "DATA" */
};

struct classification {
	enum reason reason;   /* REASON_NONE where no rule matched */
	struct slice rule;    /* id; lives as long as the rules */
	struct slice matched; /* points into reply's slices */
};

struct rules;

/* The built-in rules, compiled. Aborts when they are broken (the linter and the tests keep that
 * from happening). Caller frees. */
struct rules *rules_builtin(void);

/*
 * The *.rules files of a folder, by name, and behind them the built-in ones. NULL or an empty
 * folder name means the built-in ones alone. ERR_MISSING: the folder or a file cannot be read.
 * ERR_REFUSE: a file is broken. *ret_error, in the arena, then says what is wrong and where:
 * "10-ours.rules:12: unknown directive \"raeson\"". *ret_rules is untouched on failure, so that a
 * reload keeps what it had.
 */
enum err rules_load(const char *dir, struct arena *arena, struct rules **ret_rules,
		    struct slice *ret_error) MUST_CHECK;

/*
 * The files of a folder, checked as by rules_load() and kept in memory: for a child that can open
 * nothing, and so that what was checked is what it gets, whatever becomes of the folder meanwhile.
 * *ret_fd is read-only, close-on-exec and the caller's to close; RULES_NO_SNAPSHOT where there are
 * only the built-in rules. Errors as of rules_load().
 */
#define RULES_NO_SNAPSHOT 0
enum err rules_snapshot(const char *dir, struct arena *arena, int *ret_fd,
			struct slice *ret_error) MUST_CHECK;
/* ERR_REFUSE for what is no snapshot. */
enum err rules_load_snapshot(int fd, struct arena *arena, struct rules **ret_rules,
			     struct slice *ret_error) MUST_CHECK;

/* A file given as text; `name` stands in errors and in rules_list(). */
struct rules_source {
	struct slice name;
	struct slice text;
};

/* As rules_load(), from texts, with or without the built-in rules behind them. */
enum err rules_compile(const struct rules_source *sources, size_t count, bool builtin,
		       struct arena *arena, struct rules **ret_rules,
		       struct slice *ret_error) MUST_CHECK;

void rules_free(struct rules *rules);

/* Thread-safe on different replies as long as each thread has its own rules. */
struct classification rules_classify(const struct rules *rules, const struct reply *reply);

/* One finding of the linter, in words, with its place. */
struct rules_finding {
	struct slice file;
	unsigned line;
	struct slice text;
};

struct rules_findings {
	struct rules_finding *items;
	size_t count;
};

/*
 * Runs every example through the rules: an example must be decided by its own rule, a `not` line
 * must not. A rule whose every example an earlier one takes is called unreachable. own_only: leave
 * the built-in rules out, whose examples an operator's rules may well take. Findings live in the
 * arena.
 */
struct rules_findings rules_lint(const struct rules *rules, bool own_only, struct arena *arena);

/* How many rules and patterns there are, and how many patterns have no literal text that the
 * prefilter could look for (those run on every reply). */
struct rules_stats {
	size_t rules;
	size_t own_rules; /* of them not built in */
	size_t own_examples;
	size_t patterns;
	size_t unfiltered;
	size_t examples;
	bool jit; /* every pattern was compiled to machine code */
};

struct rules_stats rules_stats(const struct rules *rules);

#endif
