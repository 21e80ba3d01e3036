/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/rules.h"

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/status.h"
#include "parser/rules_private.h"

/*
 * What one pattern may cost on one text of at most LIMIT_DIAGNOSTIC bytes. Honest patterns need
 * some hundred steps; the limits stop an operator's mistake from becoming an attacker's tool.
 */
#define MATCH_STEPS    100000
#define MATCH_DEPTH    1000
#define MATCH_HEAP_KB  1024
#define COMPILE_ERRORS 256

struct matcher {
	pcre2_code **codes; /* one per pattern of the book */
	size_t count;
	pcre2_match_data *data;
	pcre2_match_context *context;
	bool jit;
};

/* -- compiling -- */

static enum err compile_pattern(struct rules *rules, size_t index, struct slice *ret_error,
				struct arena *error_arena)
{
	const struct rule_pattern *pattern = &rules->book.patterns[index];
	struct matcher *matcher = rules->matcher;
	int error = 0;
	PCRE2_SIZE offset = 0;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern->text.ptr, pattern->text.len,
					 PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY |
						 PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF,
					 &error, &offset, NULL);

	if (code == NULL) {
		PCRE2_UCHAR message[COMPILE_ERRORS] = "";

		pcre2_get_error_message(error, message, sizeof(message));
		*ret_error = arena_printf(error_arena, "%.*s:%u: at byte %zu of the pattern: %s",
					  SLICE_ARG(pattern->file), pattern->line, (size_t)offset,
					  (const char *)message);
		return ERR_REFUSE;
	}
	/* Where the system forbids machine code made at run time, matching is interpreted. */
	if (pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) != 0)
		matcher->jit = false;
	matcher->codes[matcher->count++] = code;
	return OK;
}

/* Takes the book over into compiled rules. */
static enum err compile(struct rules *rules, struct slice *ret_error, struct arena *error_arena)
{
	struct rule_book *book = &rules->book;
	struct arena *arena = rules->arena;
	struct literals *literals = ARENA_ARRAY(arena, struct literals, book->pattern_count + 1);
	struct matcher *matcher = ARENA_NEW(arena, struct matcher);

	rules->matcher = matcher;
	matcher->jit = true;
	matcher->codes = ARENA_ARRAY(arena, pcre2_code *, book->pattern_count + 1);
	matcher->data = pcre2_match_data_create(1, NULL);
	matcher->context = pcre2_match_context_create(NULL);
	if (matcher->data == NULL || matcher->context == NULL)
		abort();
	pcre2_set_match_limit(matcher->context, MATCH_STEPS);
	pcre2_set_depth_limit(matcher->context, MATCH_DEPTH);
	pcre2_set_heap_limit(matcher->context, MATCH_HEAP_KB);
	for (size_t i = 0; i < book->pattern_count; i++) {
		enum err err = compile_pattern(rules, i, ret_error, error_arena);

		if (err != OK)
			return err;
		literals[i] = literals_of_pattern(book->patterns[i].text, arena);
	}
	rules->filter = filter_new(arena, literals, book->pattern_count);
	rules->candidates = ARENA_ARRAY(arena, uint64_t, filter_words(rules->filter));
	rules->folded = ARENA_NEW(arena, struct folded_text);
	rules->words_of = ARENA_ARRAY(arena, uint32_t, book->pattern_count + 1);
	for (size_t i = 0; i < book->words_count; i++) {
		const struct rule_words *words = &book->words[i];
		for (size_t k = words->first; k < words->first + words->count; k++)
			rules->words_of[k] = (uint32_t)i;
	}
	rules->words = ARENA_ARRAY(arena, struct words_answer, book->words_count + 1);
	rules->providers = ARENA_ARRAY(arena, enum answer, book->provider_count + 1);
	return OK;
}

enum err rules_compile_book(const struct rules_source *sources, size_t count, size_t own_count,
			    struct arena *arena, struct rules **ret_rules, struct slice *ret_error)
{
	struct arena *own = arena_new(256 * 1024);
	struct rules *rules = ARENA_NEW(own, struct rules);
	enum err err = OK;

	rules->arena = own;
	rules->book.arena = own;
	for (size_t i = 0; i < count && err == OK; i++) {
		struct slice error;

		err = rule_book_read(&rules->book, sources[i].name, sources[i].text, &error);
		if (err != OK)
			*ret_error = arena_copy(arena, error);
		if (i < own_count)
			rules->own_rules = rules->book.rule_count;
	}
	if (err == OK)
		err = compile(rules, ret_error, arena);
	if (err != OK)
		rules_free(rules);
	else
		*ret_rules = rules;
	return err;
}

void rules_free(struct rules *rules)
{
	if (rules == NULL)
		return;
	if (rules->matcher != NULL) {
		for (size_t i = 0; i < rules->matcher->count; i++)
			pcre2_code_free(rules->matcher->codes[i]);
		pcre2_match_data_free(rules->matcher->data);
		pcre2_match_context_free(rules->matcher->context);
	}
	arena_free(rules->arena);
}

/* -- classifying -- */

/* A reply with what its text adds to it. */
struct question {
	const struct reply *reply;
	struct status_code status; /* class_ 0: none */
	struct slice status_text;
	struct slice code;
};

/* Says little more than "it failed" (x.0.0, x.5.0) or "it took too long" (x.4.7): the status that
 * the other side itself wrote into its reply says more. */
static bool is_vague(const struct status_code *status)
{
	return status->class_ == 0 || (status->subject == 0 && status->detail == 0) ||
	       (status->subject == 5 && status->detail == 0) ||
	       (status->subject == 4 && (status->detail == 7 || status->detail == 0));
}

static bool is_candidate(const struct rules *rules, size_t index)
{
	return (rules->candidates[index / 64] >> (index % 64) & 1) != 0;
}

/* Of most blocks of words the filter has said that they do not match: the rest may be asked. */
static void words_forget(const struct rules *rules)
{
	memset(rules->words, 0, rules->book.words_count * sizeof(*rules->words));
	for (size_t i = 0; i < filter_words(rules->filter); i++) {
		for (uint64_t bits = rules->candidates[i]; bits != 0; bits &= bits - 1) {
			size_t pattern = i * 64 + (size_t)__builtin_ctzll(bits);
			if (pattern < rules->book.pattern_count)
				rules->words[rules->words_of[pattern]].answer = NOT_ASKED;
		}
	}
}

static struct question make_question(const struct reply *reply)
{
	struct question question = {
		.reply = reply,
		.status_text = reply->status,
		.code = reply->reply_code,
	};

	if (!status_parse(reply->status, &question.status))
		question.status = (struct status_code){ 0 };
	if (is_vague(&question.status)) {
		struct slice found = status_find(reply->text);

		if (status_parse(found, &question.status))
			question.status_text = found;
	}
	if (slice_empty(question.code))
		question.code = reply_code_find(reply->text);
	return question;
}

/* The name itself or a name below it. */
static bool is_below(struct slice name, struct slice suffix)
{
	if (!slice_ends_with_nocase(name, suffix))
		return false;
	return name.len == suffix.len || name.ptr[name.len - suffix.len - 1] == '.';
}

static bool is_below_any(struct slice name, const struct slice_list *suffixes)
{
	if (slice_ends_with(name, SLICE(".")))
		name.len--;
	for (size_t i = 0; i < suffixes->count; i++) {
		if (is_below(name, suffixes->items[i]))
			return true;
	}
	return false;
}

static bool provider_answers(const struct rules *rules, size_t index, const struct reply *reply)
{
	const struct rule_provider *provider = &rules->book.providers[index];

	if (rules->providers[index] == NOT_ASKED)
		rules->providers[index] =
			is_below_any(reply->remote_host, &provider->hosts) ||
					is_below_any(reply->domain, &provider->domains)
				? YES
				: NO;
	return rules->providers[index] == YES;
}

static bool status_fits(const struct rule *rule, const struct status_code *status)
{
	for (size_t i = 0; i < rule->status_count; i++) {
		const struct status_range *range = &rule->statuses[i];

		if (status->class_ != 0 &&
		    (range->class_ == 0 || range->class_ == status->class_) &&
		    status->subject >= range->subject_low &&
		    status->subject <= range->subject_high && status->detail >= range->detail_low &&
		    status->detail <= range->detail_high)
			return true;
	}
	if (status->class_ == 0 && rule->no_status)
		return true;
	return rule->status_count == 0 && !rule->no_status;
}

static bool code_fits(const struct slice_list *codes, struct slice code)
{
	for (size_t i = 0; i < codes->count; i++) {
		const char *wanted = codes->items[i].ptr;

		if (code.len == 3 && code.ptr[0] == wanted[0] &&
		    (wanted[1] == 'x' || wanted[1] == code.ptr[1]) &&
		    (wanted[2] == 'x' || wanted[2] == code.ptr[2]))
			return true;
	}
	return codes->count == 0;
}

static bool name_fits(const struct slice_list *names, struct slice name)
{
	for (size_t i = 0; i < names->count; i++) {
		if (slice_equal_nocase(names->items[i], name))
			return true;
	}
	return names->count == 0;
}

static bool words_match(const struct rules *rules, size_t index)
{
	const struct rule_words *words = &rules->book.words[index];
	struct words_answer *answer = &rules->words[index];
	const struct matcher *matcher = rules->matcher;

	if (answer->answer != NOT_ASKED)
		return answer->answer == YES;
	*answer = (struct words_answer){ .answer = NO };
	for (size_t i = words->first; i < words->first + words->count; i++) {
		if (!is_candidate(rules, i))
			continue;
		int matched =
			pcre2_match(matcher->codes[i], (PCRE2_SPTR)rules->folded->bytes,
				    rules->folded->len, 0, 0, matcher->data, matcher->context);

		/* Errors are limits reached: such a pattern has not matched. */
		if (matched < 0)
			continue;
		const PCRE2_SIZE *span = pcre2_get_ovector_pointer(matcher->data);

		*answer = (struct words_answer){ YES, (uint16_t)span[0], (uint16_t)span[1] };
		return true;
	}
	return false;
}

static bool rule_fits(const struct rules *rules, const struct rule *rule,
		      const struct question *question)
{
	if (rule->words != RULE_NONE && rules->words[rule->words].answer == NO)
		return false; /* most rules end here */
	return status_fits(rule, &question->status) && code_fits(&rule->codes, question->code) &&
	       name_fits(&rule->commands, slice_empty(question->reply->command)
						  ? SLICE("NONE")
						  : question->reply->command) &&
	       name_fits(&rule->agents, question->reply->agent) &&
	       (rule->provider == RULE_NONE ||
		provider_answers(rules, rule->provider, question->reply)) &&
	       (rule->words == RULE_NONE || words_match(rules, rule->words));
}

static struct slice matched_text(const struct rules *rules, const struct rule *rule,
				 const struct question *question)
{
	if (rule->words != RULE_NONE)
		return folded_text_source(rules->folded, rules->words[rule->words].from,
					  rules->words[rule->words].to);
	if (rule->status_count > 0)
		return question->status_text;
	return rule->codes.count > 0 ? question->code : SLICE_NONE;
}

size_t rules_decide(const struct rules *rules, const struct reply *reply, bool use_filter,
		    struct slice *ret_matched)
{
	const struct rule_book *book = &rules->book;
	size_t words = filter_words(rules->filter);

	folded_text_make(reply->text, rules->folded);
	if (use_filter)
		filter_run(rules->filter, slice_from(rules->folded->bytes, rules->folded->len),
			   rules->candidates);
	else
		memset(rules->candidates, 0xff, words * sizeof(uint64_t));
	words_forget(rules);
	for (size_t i = 0; i < book->provider_count; i++)
		rules->providers[i] = NOT_ASKED;

	struct question question = make_question(reply);

	for (size_t i = 0; i < book->rule_count; i++) {
		if (!rule_fits(rules, &book->rules[i], &question))
			continue;
		*ret_matched = matched_text(rules, &book->rules[i], &question);
		return i;
	}
	*ret_matched = SLICE_NONE;
	return RULE_NONE;
}

struct classification rules_classify(const struct rules *rules, const struct reply *reply)
{
	struct classification verdict = { REASON_NONE, SLICE_NONE, SLICE_NONE };
	size_t index = rules_decide(rules, reply, true, &verdict.matched);

	if (index != RULE_NONE) {
		verdict.reason = rules->book.rules[index].reason;
		verdict.rule = rules->book.rules[index].id;
	}
	return verdict;
}

struct rules_stats rules_stats(const struct rules *rules)
{
	struct rules_stats stats = {
		.rules = rules->book.rule_count,
		.own_rules = rules->own_rules,
		.patterns = rules->book.pattern_count,
		.jit = rules->matcher->jit,
	};

	for (size_t i = 0; i < stats.rules; i++) {
		stats.examples += rules->book.rules[i].example_count;
		if (i < rules->own_rules)
			stats.own_examples += rules->book.rules[i].example_count;
	}
	filter_run(rules->filter, SLICE_NONE, rules->candidates);
	for (size_t i = 0; i < stats.patterns; i++)
		stats.unfiltered += is_candidate(rules, i);
	return stats;
}
