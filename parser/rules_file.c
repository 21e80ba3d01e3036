/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/rules_file.h"

#include <string.h>

#include "core/status.h"
#include "parser/rules_filter.h"

#define ID_MAX 64

/* What the lines that are being read belong to. */
enum block { BLOCK_NONE, BLOCK_PROVIDER, BLOCK_WORDS, BLOCK_RULE };

struct reading_file {
	struct rule_book *book;
	struct slice name;
	unsigned line;
	enum block block;
	size_t first_rule;  /* of this file */
	size_t first_words; /* of this file */
	size_t provider;    /* in force, or RULE_NONE */
	bool own_words;     /* the rule being read has `text` lines of its own */
	struct slice *ret_error;
};

/* Room for one more in an array of the arena; the memory it outgrew stays with the arena. */
static void *grow(struct arena *arena, void *items, size_t count, size_t *cap, size_t size)
{
	if (count < *cap)
		return items;
	size_t new_cap = *cap == 0 ? 8 : *cap * 2;
	char *bigger = arena_array(arena, new_cap, size);

	if (count > 0)
		memcpy(bigger, items, count * size);
	*cap = new_cap;
	return bigger;
}

#define GROW(book, items, count, cap) \
	((items) = grow((book)->arena, (items), (count), &(cap), sizeof(*(items))))

static enum err refuse_at(struct reading_file *file, unsigned line, const char *what,
			  struct slice which)
{
	*file->ret_error = arena_printf(
		file->book->arena, "%.*s:%u: %s%s%.*s%s", SLICE_ARG(file->name), line, what,
		slice_empty(which) ? "" : " \"", SLICE_ARG(which), slice_empty(which) ? "" : "\"");
	return ERR_REFUSE;
}

static enum err refuse(struct reading_file *file, const char *what, struct slice which)
{
	return refuse_at(file, file->line, what, which);
}

static bool is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-' && c != '.' &&
		    c != '/' && c != '_')
			return false;
	}
	return name.len > 0 && name.len <= ID_MAX;
}

static void list_add(struct rule_book *book, struct slice_list *list, struct slice item)
{
	GROW(book, list->items, list->count, list->cap);
	list->items[list->count++] = item;
}

/* The next word of *rest. */
static bool next_word(struct slice *rest, struct slice *ret_word)
{
	*rest = slice_trim(*rest);
	if (slice_empty(*rest))
		return false;
	size_t len = 0;

	while (len < rest->len && !ascii_is_space(rest->ptr[len]))
		len++;
	*ret_word = slice_head(*rest, len);
	*rest = slice_skip(*rest, len);
	return true;
}

/* -- blocks -- */

static enum err end_block(struct reading_file *file)
{
	struct rule_book *book = file->book;

	if (file->block == BLOCK_PROVIDER) {
		const struct rule_provider *provider = &book->providers[book->provider_count - 1];

		if (provider->hosts.count + provider->domains.count == 0)
			return refuse(file, "the provider above has neither host nor domain",
				      provider->name);
	} else if (file->block == BLOCK_WORDS) {
		const struct rule_words *words = &book->words[book->words_count - 1];

		if (words->count == 0)
			return refuse(file, "the words above have no text", words->name);
	} else if (file->block == BLOCK_RULE) {
		const struct rule *rule = &book->rules[book->rule_count - 1];

		if (rule->reason == REASON_NONE)
			return refuse_at(file, rule->line, "the rule has no reason", rule->id);
		if (rule->words == RULE_NONE &&
		    rule->status_count + rule->codes.count + rule->commands.count == 0 &&
		    !rule->no_status)
			return refuse_at(file, rule->line,
					 "the rule looks at nothing: give it text, words, status, "
					 "code or command",
					 rule->id);
		bool has_example = false;

		for (size_t i = 0; i < rule->example_count; i++)
			has_example |= rule->examples[i].matches;
		if (!has_example)
			return refuse_at(file, rule->line, "the rule has no example", rule->id);
	}
	file->block = BLOCK_NONE;
	return OK;
}

static enum err begin_provider(struct reading_file *file, struct slice name)
{
	struct rule_book *book = file->book;

	if (slice_equal(name, SLICE("-"))) {
		file->provider = RULE_NONE;
		return OK;
	}
	if (!is_name(name))
		return refuse(file, "not a name", name);
	GROW(book, book->providers, book->provider_count, book->provider_cap);
	file->provider = book->provider_count;
	book->providers[book->provider_count++] = (struct rule_provider){ .name = name };
	file->block = BLOCK_PROVIDER;
	return OK;
}

static void add_words(struct rule_book *book, struct slice name)
{
	GROW(book, book->words, book->words_count, book->words_cap);
	book->words[book->words_count++] =
		(struct rule_words){ .name = name, .first = book->pattern_count };
}

static size_t find_words(const struct reading_file *file, struct slice name)
{
	for (size_t i = file->first_words; i < file->book->words_count; i++) {
		if (slice_equal(file->book->words[i].name, name))
			return i;
	}
	return RULE_NONE;
}

static enum err begin_words(struct reading_file *file, struct slice name)
{
	if (!is_name(name))
		return refuse(file, "not a name", name);
	if (find_words(file, name) != RULE_NONE)
		return refuse(file, "these words are defined twice in the file", name);
	add_words(file->book, name);
	file->block = BLOCK_WORDS;
	return OK;
}

static enum err begin_rule(struct reading_file *file, struct slice id)
{
	struct rule_book *book = file->book;

	if (!is_name(id))
		return refuse(file, "not a rule id (a-z 0-9 - _ . / only, at most 64)", id);
	for (size_t i = file->first_rule; i < book->rule_count; i++) {
		if (slice_equal(book->rules[i].id, id))
			return refuse(file, "the file has this rule twice", id);
	}
	GROW(book, book->rules, book->rule_count, book->rule_cap);
	book->rules[book->rule_count++] = (struct rule){
		.id = id,
		.file = file->name,
		.line = file->line,
		.provider = file->provider,
		.words = RULE_NONE,
	};
	file->own_words = false;
	file->block = BLOCK_RULE;
	return OK;
}

/* -- members -- */

static enum err add_pattern(struct reading_file *file, struct slice text)
{
	struct rule_book *book = file->book;
	const char *wrong = rules_pattern_check(text);

	if (slice_empty(text))
		return refuse(file, "a text needs a pattern", SLICE_NONE);
	if (wrong != NULL)
		return refuse(file, wrong, text);
	GROW(book, book->patterns, book->pattern_count, book->pattern_cap);
	book->patterns[book->pattern_count++] =
		(struct rule_pattern){ .text = text, .file = file->name, .line = file->line };
	book->words[book->words_count - 1].count++;
	return OK;
}

static enum err rule_text(struct reading_file *file, struct slice text)
{
	struct rule_book *book = file->book;
	struct rule *rule = &book->rules[book->rule_count - 1];

	if (!file->own_words) {
		if (rule->words != RULE_NONE)
			return refuse(file, "a rule has either words or text", SLICE_NONE);
		rule->words = book->words_count;
		add_words(book, SLICE_NONE);
		file->own_words = true;
	}
	return add_pattern(file, text);
}

static enum err rule_words(struct reading_file *file, struct slice name)
{
	struct rule *rule = &file->book->rules[file->book->rule_count - 1];

	if (rule->words != RULE_NONE)
		return refuse(file, "a rule has either words or text, and words once", SLICE_NONE);
	rule->words = find_words(file, name);
	if (slice_empty(name) || rule->words == RULE_NONE)
		return refuse(file, "no such words above", name);
	return OK;
}

static enum err rule_reason(struct reading_file *file, struct slice word)
{
	struct rule *rule = &file->book->rules[file->book->rule_count - 1];
	enum reason reason;

	if (rule->reason != REASON_NONE)
		return refuse(file, "a rule has one reason", SLICE_NONE);
	if (!reason_from_word(word, &reason))
		return refuse(file, "unknown reason", word);
	if (reason == REASON_NONE || reason == REASON_FEEDBACK || reason == REASON_VACATION ||
	    reason == REASON_DELIVERED)
		return refuse(file, "no reason for a bounce", word);
	rule->reason = reason;
	return OK;
}

/* "7", "606-649" or "*" */
static bool parse_range(struct slice text, unsigned *ret_low, unsigned *ret_high)
{
	struct slice low;
	uint64_t from, to;

	if (slice_equal(text, SLICE("*"))) {
		*ret_low = 0;
		*ret_high = 999;
		return true;
	}
	if (!slice_next_field(&text, '-', &low) || !slice_to_u64(low, &from) || from > 999)
		return false;
	to = from;
	if (!slice_empty(text) && (!slice_to_u64(text, &to) || to > 999 || to < from))
		return false;
	*ret_low = (unsigned)from;
	*ret_high = (unsigned)to;
	return true;
}

static bool parse_status(struct slice text, struct status_range *ret_range)
{
	struct slice class_, subject;
	struct status_range range = { 0 };

	if (!slice_next_field(&text, '.', &class_) || !slice_next_field(&text, '.', &subject))
		return false;
	if (slice_equal(class_, SLICE("4")) || slice_equal(class_, SLICE("5")))
		range.class_ = (unsigned)(class_.ptr[0] - '0');
	else if (!slice_equal(class_, SLICE("x")))
		return false;
	if (!parse_range(subject, &range.subject_low, &range.subject_high) ||
	    !parse_range(text, &range.detail_low, &range.detail_high))
		return false;
	*ret_range = range;
	return true;
}

static enum err rule_status(struct reading_file *file, struct slice rest)
{
	struct rule *rule = &file->book->rules[file->book->rule_count - 1];
	struct slice word;
	size_t cap = rule->status_count;

	while (next_word(&rest, &word)) {
		if (slice_equal(word, SLICE("none"))) {
			rule->no_status = true;
			continue;
		}
		GROW(file->book, rule->statuses, rule->status_count, cap);
		if (!parse_status(word, &rule->statuses[rule->status_count]))
			return refuse(
				file,
				"not a status pattern (5.1.1, x.7.26, 5.7.606-649, 5.2.*, none)",
				word);
		rule->status_count++;
	}
	return OK;
}

static bool is_code(struct slice word)
{
	if (word.len != 3 || (word.ptr[0] != '4' && word.ptr[0] != '5'))
		return false;
	for (size_t i = 1; i < 3; i++) {
		if (!ascii_is_digit(word.ptr[i]) && word.ptr[i] != 'x')
			return false;
	}
	return true;
}

static enum err rule_codes(struct reading_file *file, struct slice rest)
{
	struct rule *rule = &file->book->rules[file->book->rule_count - 1];
	struct slice word;

	while (next_word(&rest, &word)) {
		if (!is_code(word))
			return refuse(file, "not a reply code pattern (550, 55x, 4xx)", word);
		list_add(file->book, &rule->codes, word);
	}
	return OK;
}

static enum err rule_commands(struct reading_file *file, struct slice rest)
{
	static const struct {
		struct slice word, command;
	} COMMANDS[] = {
		{ SLICE_LITERAL("conn"), SLICE_LITERAL("CONN") },
		{ SLICE_LITERAL("helo"), SLICE_LITERAL("HELO") },
		{ SLICE_LITERAL("mail"), SLICE_LITERAL("MAIL") },
		{ SLICE_LITERAL("rcpt"), SLICE_LITERAL("RCPT") },
		{ SLICE_LITERAL("data"), SLICE_LITERAL("DATA") },
		{ SLICE_LITERAL("none"), SLICE_LITERAL("NONE") },
	};
	struct rule *rule = &file->book->rules[file->book->rule_count - 1];
	struct slice word;

	while (next_word(&rest, &word)) {
		size_t i = 0;

		while (i < sizeof(COMMANDS) / sizeof(COMMANDS[0]) &&
		       !slice_equal(COMMANDS[i].word, word))
			i++;
		if (i == sizeof(COMMANDS) / sizeof(COMMANDS[0]))
			return refuse(file, "not a command (conn helo mail rcpt data none)", word);
		list_add(file->book, &rule->commands, COMMANDS[i].command);
	}
	return OK;
}

static enum err add_names(struct reading_file *file, struct slice_list *list, struct slice rest)
{
	struct slice word;

	while (next_word(&rest, &word)) {
		if (!is_name(word) || word.ptr[0] == '.')
			return refuse(file, "lower case without a leading dot is wanted, not",
				      word);
		list_add(file->book, list, word);
	}
	return OK;
}

static enum err rule_example(struct reading_file *file, struct slice text, bool matches)
{
	struct rule *rule = &file->book->rules[file->book->rule_count - 1];

	GROW(file->book, rule->examples, rule->example_count, rule->example_cap);
	rule->examples[rule->example_count++] =
		(struct rule_example){ .text = text, .line = file->line, .matches = matches };
	return OK;
}

static enum err read_member(struct reading_file *file, struct slice word, struct slice rest)
{
	struct rule_book *book = file->book;

	if (slice_empty(rest))
		return refuse(file, "nothing follows", word);
	if (file->block == BLOCK_NONE)
		return refuse(file, "stands outside of a provider, words or rule block:", word);
	if (file->block == BLOCK_PROVIDER) {
		struct rule_provider *provider = &book->providers[book->provider_count - 1];

		if (slice_equal(word, SLICE("host")))
			return add_names(file, &provider->hosts, rest);
		if (slice_equal(word, SLICE("domain")))
			return add_names(file, &provider->domains, rest);
		return refuse(file, "a provider has host and domain, not", word);
	}
	if (file->block == BLOCK_WORDS) {
		if (slice_equal(word, SLICE("text")))
			return add_pattern(file, rest);
		return refuse(file, "words have text, not", word);
	}
	if (slice_equal(word, SLICE("reason")))
		return rule_reason(file, rest);
	if (slice_equal(word, SLICE("status")))
		return rule_status(file, rest);
	if (slice_equal(word, SLICE("code")))
		return rule_codes(file, rest);
	if (slice_equal(word, SLICE("command")))
		return rule_commands(file, rest);
	if (slice_equal(word, SLICE("agent")))
		return add_names(file, &book->rules[book->rule_count - 1].agents, rest);
	if (slice_equal(word, SLICE("words")))
		return rule_words(file, rest);
	if (slice_equal(word, SLICE("text")))
		return rule_text(file, rest);
	if (slice_equal(word, SLICE("example")))
		return rule_example(file, rest, true);
	if (slice_equal(word, SLICE("not")))
		return rule_example(file, rest, false);
	return refuse(file, "unknown directive", word);
}

/* A line at the margin begins a block; an indented one belongs to it. */
static enum err read_line(struct reading_file *file, struct slice line)
{
	struct slice rest = slice_trim(line);
	struct slice word;
	bool margin = !slice_empty(line) && !ascii_is_space(line.ptr[0]);

	if (slice_empty(rest) || rest.ptr[0] == '#' || !next_word(&rest, &word))
		return OK;
	rest = slice_trim(rest);
	if (!margin)
		return read_member(file, word, rest);
	enum err err = end_block(file);

	if (err != OK)
		return err;
	if (slice_equal(word, SLICE("provider")))
		return begin_provider(file, rest);
	if (slice_equal(word, SLICE("words")))
		return begin_words(file, rest);
	if (slice_equal(word, SLICE("rule")))
		return begin_rule(file, rest);
	return refuse(file, "provider, words or rule is wanted at the margin, not", word);
}

enum err rule_book_read(struct rule_book *book, struct slice name, struct slice text,
			struct slice *ret_error)
{
	struct reading_file file = {
		.book = book,
		.name = arena_copy(book->arena, name),
		.first_rule = book->rule_count,
		.first_words = book->words_count,
		.provider = RULE_NONE,
		.ret_error = ret_error,
	};
	struct slice rest = arena_copy(book->arena, text);
	struct slice line;
	enum err err = OK;

	while (err == OK && slice_next_line(&rest, &line)) {
		file.line++;
		err = read_line(&file, line);
	}
	return err == OK ? end_block(&file) : err;
}
