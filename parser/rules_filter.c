/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/rules_filter.h"

#include <string.h>

/* Also bounds the recursion into groups. */
#define PATTERN_MAX 1000

/* -- the literals of a pattern -- */

static bool is_in(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

const char *rules_pattern_check(struct slice pattern)
{
	if (pattern.len > PATTERN_MAX)
		return "the pattern is too long; use several text lines";
	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.ptr[i];
		char next = i + 1 < pattern.len ? pattern.ptr[i + 1] : '\0';

		if (c == '\\') {
			if (ascii_is_alnum(next) && !is_in(next, "bBdDsSwW"))
				return "only \\b \\B \\d \\D \\s \\S \\w \\W and escaped "
				       "punctuation "
				       "may follow a backslash";
			i++;
		} else if (c >= 'A' && c <= 'Z') {
			return "upper-case letters match nothing: the text is lowered";
		} else if (c == '(' && next == '*') {
			return "verbs are not allowed";
		} else if (c == '(' && next == '?' &&
			   !(i + 2 < pattern.len && is_in(pattern.ptr[i + 2], ":=!<"))) {
			return "inline options are not allowed";
		}
	}
	return NULL;
}

/* Where the class that opens at `at` ends: the offset behind its ']'. */
static size_t skip_class(struct slice pattern, size_t at)
{
	size_t i = at + 1;

	if (i < pattern.len && pattern.ptr[i] == '^')
		i++;
	if (i < pattern.len && pattern.ptr[i] == ']')
		i++;
	for (; i < pattern.len && pattern.ptr[i] != ']'; i++) {
		if (pattern.ptr[i] == '\\')
			i++;
	}
	return i + 1;
}

/* Where the group that opens at `at` ends: the offset behind its ')'. */
static size_t skip_group(struct slice pattern, size_t at)
{
	size_t depth = 0;

	for (size_t i = at; i < pattern.len;) {
		char c = pattern.ptr[i];

		if (c == '[') {
			i = skip_class(pattern, i);
			continue;
		}
		if (c == '\\')
			i++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			return i + 1;
		i++;
	}
	return pattern.len;
}

/* Walks one pattern, or the inside of one of its groups. */
struct scan {
	struct slice pattern;
	size_t at;
	struct arena *arena;
	char *run; /* the literal run being gathered */
	size_t run_len;
	struct literals best; /* of this alternative: one of them must be there */
	size_t best_worth;    /* 0: none yet */
};

/* How much a literal tells: its length, but next to nothing where it is in every other reply. */
static size_t literal_worth(struct slice literal)
{
	static const struct slice COMMON[] = {
		SLICE_LITERAL("user"),     SLICE_LITERAL("mail"),      SLICE_LITERAL("message"),
		SLICE_LITERAL("address"),  SLICE_LITERAL("recipient"), SLICE_LITERAL("account"),
		SLICE_LITERAL("mailbox"),  SLICE_LITERAL("server"),    SLICE_LITERAL("host"),
		SLICE_LITERAL("domain"),   SLICE_LITERAL("sender"),    SLICE_LITERAL("error"),
		SLICE_LITERAL("email"),    SLICE_LITERAL("system"),    SLICE_LITERAL("your"),
		SLICE_LITERAL("from"),     SLICE_LITERAL("this"),      SLICE_LITERAL("name"),
		SLICE_LITERAL("rejected"), SLICE_LITERAL("not"),       SLICE_LITERAL("the"),
		SLICE_LITERAL("for"),      SLICE_LITERAL("has"),       SLICE_LITERAL("was"),
		SLICE_LITERAL("unknown"),  SLICE_LITERAL("service"),   SLICE_LITERAL("rcpt"),
	};
	struct slice word = slice_trim(literal);

	if (literal.len < RULES_LITERAL_MIN)
		return 0;
	for (size_t i = 0; i < sizeof(COMMON) / sizeof(COMMON[0]); i++) {
		if (slice_equal(word, COMMON[i]))
			return 1;
	}
	return word.len + 1;
}

/* Literals of which one must be there: worth as much as the least of them. */
static void scan_offer(struct scan *scan, struct literals literals)
{
	size_t worth = literals.count > 0 ? SIZE_MAX : 0;

	for (size_t i = 0; i < literals.count; i++) {
		size_t of_one = literal_worth(literals.items[i]);

		worth = of_one < worth ? of_one : worth;
	}
	if (worth <= scan->best_worth)
		return;
	scan->best = literals;
	scan->best_worth = worth;
}

/* The run ends here: it is one literal. */
static void scan_break(struct scan *scan)
{
	if (scan->run_len >= RULES_LITERAL_MIN) {
		struct literals one = { ARENA_NEW(scan->arena, struct slice), 1 };

		*one.items = arena_copy(scan->arena, slice_from(scan->run, scan->run_len));
		scan_offer(scan, one);
	}
	scan->run_len = 0;
}

static bool may_be_absent(const struct scan *scan)
{
	return scan->at < scan->pattern.len && is_in(scan->pattern.ptr[scan->at], "?*{");
}

/* A literal byte, then what may quantify it: "x?" and "x*" need no x, "x+" ends the run with it. */
static void scan_literal(struct scan *scan, char byte)
{
	if (may_be_absent(scan)) {
		scan_break(scan);
		return;
	}
	scan->run[scan->run_len++] = byte;
	if (scan->at < scan->pattern.len && scan->pattern.ptr[scan->at] == '+')
		scan_break(scan);
}

static void scan_group(struct scan *scan)
{
	size_t start = scan->at + 1;

	scan_break(scan);
	scan->at = skip_group(scan->pattern, scan->at);
	struct slice inside = slice_skip(
		slice_head(scan->pattern, scan->at > start ? scan->at - 1 : start), start);

	if (slice_starts_with(inside, SLICE("?:")))
		inside = slice_skip(inside, 2);
	if (!may_be_absent(scan) && !slice_starts_with(inside, SLICE("?")))
		scan_offer(scan, literals_of_pattern(inside, scan->arena));
}

static void scan_escape(struct scan *scan)
{
	char next = scan->pattern.ptr[scan->at + 1];

	scan->at += 2;
	if (next == 'b')
		return;
	if (ascii_is_alpha(next))
		scan_break(scan);
	else
		scan_literal(scan, next);
}

/* One element of the pattern; true at the end of an alternative. */
static bool scan_step(struct scan *scan)
{
	char c = scan->pattern.ptr[scan->at];

	if (c == '(') {
		scan_group(scan);
	} else if (c == '[') {
		scan_break(scan);
		scan->at = skip_class(scan->pattern, scan->at);
	} else if (c == '{') {
		scan_break(scan);
		while (scan->at < scan->pattern.len && scan->pattern.ptr[scan->at] != '}')
			scan->at++;
		scan->at++;
	} else if (c == '\\' && scan->at + 1 < scan->pattern.len) {
		scan_escape(scan);
	} else {
		scan->at++;
		if (c == '|')
			return true;
		if (is_in(c, ".^$?*+)"))
			scan_break(scan);
		else
			scan_literal(scan, c);
	}
	return false;
}

static struct literals append(struct arena *arena, struct literals a, struct literals b)
{
	struct literals both = { ARENA_ARRAY(arena, struct slice, a.count + b.count + 1),
				 a.count + b.count };

	for (size_t i = 0; i < a.count; i++)
		both.items[i] = a.items[i];
	for (size_t i = 0; i < b.count; i++)
		both.items[a.count + i] = b.items[i];
	return both;
}

struct literals literals_of_pattern(struct slice pattern, struct arena *arena)
{
	struct scan scan = { .pattern = pattern, .arena = arena };
	struct literals all = { 0 };

	scan.run = ARENA_ARRAY(arena, char, pattern.len + 1);
	for (bool more = true; more;) {
		bool alternative_ends = false;

		while (scan.at < pattern.len && !alternative_ends)
			alternative_ends = scan_step(&scan);
		more = alternative_ends;
		scan_break(&scan);
		if (scan.best_worth == 0)
			return (struct literals){ 0 };
		all = append(arena, all, scan.best);
		scan.best_worth = 0;
	}
	return all;
}

/* -- the table -- */

#define BUCKET_BITS 13
#define BUCKETS     (1U << BUCKET_BITS)

struct entry {
	struct slice literal;
	uint32_t offset; /* of the three bytes that it is filed under */
	uint32_t pattern;
	uint32_t next; /* in its bucket, 1-based; 0: none */
	char first;    /* of the literal, here so that most of them are never fetched */
	char last;
};

struct filter {
	size_t words;
	uint64_t *always;          /* the patterns without literals */
	uint32_t buckets[BUCKETS]; /* 1-based index of the first entry */
	struct entry *entries;
	size_t entry_count;
};

/* Of RULES_LITERAL_MIN bytes. */
static uint32_t bucket_of(const char *bytes)
{
	uint32_t value = (uint32_t)(unsigned char)bytes[0] |
			 (uint32_t)(unsigned char)bytes[1] << 8 |
			 (uint32_t)(unsigned char)bytes[2] << 16;

	return (value * 2654435761U) >> (32 - BUCKET_BITS);
}

_Static_assert(RULES_LITERAL_MIN == 3, "bucket_of() looks at so many bytes");

/* How often each three bytes are in the literals of all patterns: a measure of how often they will
 * be in texts. */
static void count_bytes(const struct literals *of, size_t count, uint32_t *ret_counts)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < of[i].count; k++) {
			struct slice literal = of[i].items[k];

			for (size_t at = 0; at + RULES_LITERAL_MIN <= literal.len; at++)
				ret_counts[bucket_of(literal.ptr + at)]++;
		}
	}
}

static void file_literal(struct filter *filter, const uint32_t *counts, struct slice literal,
			 size_t pattern)
{
	size_t rarest = 0;

	for (size_t at = 1; at + RULES_LITERAL_MIN <= literal.len; at++) {
		if (counts[bucket_of(literal.ptr + at)] < counts[bucket_of(literal.ptr + rarest)])
			rarest = at;
	}
	uint32_t *bucket = &filter->buckets[bucket_of(literal.ptr + rarest)];

	filter->entries[filter->entry_count++] = (struct entry){
		.literal = literal,
		.offset = (uint32_t)rarest,
		.pattern = (uint32_t)pattern,
		.next = *bucket,
		.first = literal.ptr[0],
		.last = literal.ptr[literal.len - 1],
	};
	*bucket = (uint32_t)filter->entry_count;
}

struct filter *filter_new(struct arena *arena, const struct literals *of, size_t count)
{
	struct filter *filter = ARENA_NEW(arena, struct filter);
	uint32_t *counts = ARENA_ARRAY(arena, uint32_t, BUCKETS);
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += of[i].count;
	filter->words = count / 64 + 1;
	filter->always = ARENA_ARRAY(arena, uint64_t, filter->words);
	filter->entries = ARENA_ARRAY(arena, struct entry, total + 1);
	count_bytes(of, count, counts);
	for (size_t i = 0; i < count; i++) {
		if (of[i].count == 0)
			filter->always[i / 64] |= UINT64_C(1) << (i % 64);
		for (size_t k = 0; k < of[i].count; k++)
			file_literal(filter, counts, of[i].items[k], i);
	}
	return filter;
}

size_t filter_words(const struct filter *filter)
{
	return filter->words;
}

/* Does the entry's literal stand in the text, with its filed bytes at `at`? */
static bool entry_fits(const struct entry *entry, struct slice text, size_t at)
{
	if (at < entry->offset || text.len - (at - entry->offset) < entry->literal.len)
		return false;
	const char *begin = text.ptr + at - entry->offset;
	return begin[0] == entry->first && begin[entry->literal.len - 1] == entry->last &&
	       memcmp(begin, entry->literal.ptr, entry->literal.len) == 0;
}

void filter_run(const struct filter *filter, struct slice text, uint64_t *ret_candidates)
{
	memcpy(ret_candidates, filter->always, filter->words * sizeof(uint64_t));
	for (size_t at = 0; at + RULES_LITERAL_MIN <= text.len; at++) {
		for (uint32_t next = filter->buckets[bucket_of(text.ptr + at)]; next != 0;) {
			const struct entry *entry = &filter->entries[next - 1];

			if (entry_fits(entry, text, at))
				ret_candidates[entry->pattern / 64] |= UINT64_C(1)
								       << (entry->pattern % 64);
			next = entry->next;
		}
	}
}
