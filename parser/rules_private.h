/* SPDX-License-Identifier: Apache-2.0 */
/* What the files rules*.c share: a compiled set of rules. For them alone. */
#ifndef BOUNCED_PARSER_RULES_PRIVATE_H
#define BOUNCED_PARSER_RULES_PRIVATE_H

#include "parser/rules.h"
#include "parser/rules_file.h"
#include "parser/rules_filter.h"
#include "parser/rules_text.h"

/* Opaque here, so that rules.c alone includes PCRE2. */
struct matcher;

/* What is known of one block of words, and of one provider, for the reply at hand. */
enum answer { NO, NOT_ASKED, YES };

struct words_answer {
	enum answer answer : 16;
	uint16_t from, to; /* of the match, in the folded text */
};

struct rules {
	struct arena *arena; /* owns the book and all below */
	struct rule_book book;
	size_t own_rules; /* the first ones of the book: those that are not built in */
	struct filter *filter;
	struct matcher *matcher;
	/* scratch memory of rules_classify() */
	struct folded_text *folded;
	uint64_t *candidates;
	uint32_t *words_of; /* of a pattern: the index of its block */
	struct words_answer *words;
	enum answer *providers;
};

/* Reads and compiles all sources, in order; the first `own` of them are not built in. */
enum err rules_compile_book(const struct rules_source *sources, size_t count, size_t own,
			    struct arena *arena, struct rules **ret_rules,
			    struct slice *ret_error) MUST_CHECK;

/* As rules_classify(), but says which rule: its index, or RULE_NONE. use_filter: only for the test
 * that the prefilter changes nothing. */
size_t rules_decide(const struct rules *rules, const struct reply *reply, bool use_filter,
		    struct slice *ret_matched);

/* The reply that an example of a rule stands for: its text, said from where the rule looks. */
struct reply rule_example_reply(const struct rules *rules, const struct rule *rule,
				struct slice text);

#endif
