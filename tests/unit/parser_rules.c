/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: the file format and its errors, order, folding, the prefilter, and the built-in ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "parser/rules.h"
#include "parser/rules_private.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct arena *arena;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* NULL and the error where the text is refused. */
static struct rules *compile(const char *text, struct slice *ret_error)
{
	struct rules_source source = { SLICE("t.rules"), slice_from_cstr(text) };
	struct rules *rules = NULL;

	*ret_error = SLICE_NONE;
	if (rules_compile(&source, 1, false, arena, &rules, ret_error) != OK)
		assert_null(rules);
	return rules;
}

static struct reply reply_of(const char *text)
{
	return (struct reply){ SLICE_NONE, SLICE_NONE, SLICE_NONE, slice_from_cstr(text),
			       SLICE_NONE, SLICE_NONE, SLICE_NONE };
}

static void test_errors(void **state)
{
	static const struct {
		const char *text;
		const char *error;
	} ROWS[] = {
		{ "rule a\n\treason userunknown\n\ttext x\n\texample x\n\traeson y\n",
		  "t.rules:5: unknown directive \"raeson\"" },
		{ "reason userunknown\n", "t.rules:1: provider, words or rule is wanted at the "
					  "margin, not \"reason\"" },
		{ "\n# c\n\treason userunknown\n",
		  "t.rules:3: stands outside of a provider, words or rule block: \"reason\"" },
		{ "rule A\n", "t.rules:1: not a rule id (a-z 0-9 - _ . / only, at most 64) \"A\"" },
		{ "rule a\n\treason bad\n", "t.rules:2: unknown reason \"bad\"" },
		{ "rule a\n\treason feedback\n", "t.rules:2: no reason for a bounce \"feedback\"" },
		{ "rule a\n\treason expired\n\treason expired\n",
		  "t.rules:3: a rule has one reason" },
		{ "rule a\n\ttext x\n\texample x\n", "t.rules:1: the rule has no reason \"a\"" },
		{ "rule a\n\treason expired\n\texample x\n",
		  "t.rules:1: the rule looks at nothing: give it text, words, status, code or "
		  "command \"a\"" },
		{ "rule a\n\treason expired\n\ttext x\n\tnot y\n",
		  "t.rules:1: the rule has no example \"a\"" },
		{ "rule a\n\treason expired\n\ttext\n", "t.rules:3: nothing follows \"text\"" },
		{ "rule a\n\ttext (x\n\treason expired\n\texample x\n",
		  "t.rules:2: at byte 2 of the pattern: missing closing parenthesis" },
		{ "rule a\n\ttext User\n",
		  "t.rules:2: upper-case letters match nothing: the text is lowered \"User\"" },
		{ "rule a\n\ttext a\\x41\n",
		  "t.rules:2: only \\b \\B \\d \\D \\s \\S \\w \\W and escaped punctuation may "
		  "follow a backslash \"a\\x41\"" },
		{ "rule a\n\ttext (?i)x\n", "t.rules:2: inline options are not allowed \"(?i)x\"" },
		{ "rule a\n\ttext (*UTF)x\n", "t.rules:2: verbs are not allowed \"(*UTF)x\"" },
		{ "rule a\n\tstatus 5.1\n", "t.rules:2: not a status pattern (5.1.1, x.7.26, "
					    "5.7.606-649, 5.2.*, none) \"5.1\"" },
		{ "rule a\n\tstatus 3.1.1\n", "t.rules:2: not a status pattern (5.1.1, x.7.26, "
					      "5.7.606-649, 5.2.*, none) \"3.1.1\"" },
		{ "rule a\n\tstatus 5.7.9-3\n", "t.rules:2: not a status pattern (5.1.1, x.7.26, "
						"5.7.606-649, 5.2.*, none) \"5.7.9-3\"" },
		{ "rule a\n\tcode 250\n",
		  "t.rules:2: not a reply code pattern (550, 55x, 4xx) \"250\"" },
		{ "rule a\n\tcommand vrfy\n",
		  "t.rules:2: not a command (conn helo mail rcpt data none) \"vrfy\"" },
		{ "rule a\n\twords w\n", "t.rules:2: no such words above \"w\"" },
		{ "words w\n\ttext x\nrule a\n\ttext x\n\twords w\n",
		  "t.rules:5: a rule has either words or text, and words once" },
		{ "words w\nrule a\n", "t.rules:2: the words above have no text \"w\"" },
		{ "words w\n\ttext x\nwords w\n",
		  "t.rules:3: these words are defined twice in the file \"w\"" },
		{ "provider p\nrule a\n",
		  "t.rules:2: the provider above has neither host nor domain \"p\"" },
		{ "provider p\n\thost .example\n",
		  "t.rules:2: lower case without a leading dot is wanted, not \".example\"" },
		{ "provider p\n\ttext x\n", "t.rules:2: a provider has host and domain, not "
					    "\"text\"" },
		{ "rule a\n\treason expired\n\ttext x\n\texample x\nrule a\n",
		  "t.rules:5: the file has this rule twice \"a\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		struct slice error;
		struct rules *rules = compile(ROWS[i].text, &error);

		if (rules != NULL || !slice_equal(error, slice_from_cstr(ROWS[i].error)))
			fail_msg("row %zu: %.*s", i, SLICE_ARG(error));
	}
}

#define RULE(id, members) "rule " id "\n" members "\n"

static void test_conditions(void **state)
{
	static const char TEXT[] =
		"words full\n\ttext (box|quota) full\n\ttext over quota\n"
		"provider big\n\thost big.example\n\tdomain big.test\n"
		"rule big/full\n\treason ratelimited\n\twords full\n\texample box full\n"
		"provider -\n"
		"rule status\n\treason hasmoved\n\tstatus x.7.606-649 5.9.*\n\texample 5.9.1\n"
		"rule code\n\treason syntaxerror\n\tcode 50x\n\texample 502 x\n"
		"rule data\n\treason filtered\n\tcommand data\n\twords full\n\texample box full\n"
		"rule agent\n\treason expired\n\tagent exim\n\twords full\n\texample box full\n"
		"rule bare\n\treason onhold\n\tstatus none\n\twords full\n\texample box full\n"
		"rule full\n\treason mailboxfull\n\twords full\n\texample 5.1.1 box full\n";
	static const struct {
		struct reply reply;
		const char *rule;
		const char *why;
	} ROWS[] = {
#define S(text) SLICE_LITERAL(text)
		{ { .text = S("Box  Full"), .remote_host = S("MX.Big.Example.") },
		  "big/full",
		  "a host below, case and the last dot ignored" },
		{ { .text = S("box full"), .remote_host = S("notbig.example") },
		  "bare",
		  "a name that only ends alike" },
		{ { .text = S("box full"), .domain = S("big.test") }, "big/full", "the domain" },
		{ { .text = S("x"), .status = S("5.7.606") }, "status", "range, low end" },
		{ { .text = S("x"), .status = S("4.7.649") }, "status", "range, high end" },
		{ { .text = S("x"), .status = S("5.7.650") }, "", "outside the range" },
		{ { .text = S("x"), .status = S("5.9.77") }, "status", "any detail" },
		{ { .text = S("x"), .status = S("4.9.77") }, "", "the class is given" },
		{ { .text = S("5.7.610 x"), .status = S("5.0.0") },
		  "status",
		  "a vague status gives way to the text's" },
		{ { .text = S("5.7.610 x"), .status = S("5.1.1") }, "", "a clear one does not" },
		{ { .text = S("504 x") }, "code", "the code of the text" },
		{ { .text = S("504 x"), .reply_code = S("550") }, "", "the code of the reply" },
		{ { .text = S("box full"), .command = S("DATA") }, "data", "the command" },
		{ { .text = S("box full"), .command = S("RCPT") }, "bare", "another command" },
		{ { .text = S("over quota"), .agent = S("exim") }, "agent", "the reader" },
		{ { .text = S("over quota") }, "bare", "no status" },
		{ { .text = S("over quota"), .status = S("5.2.1") }, "full", "a status" },
		{ { .text = S("nothing of it") }, "", "no rule" },
#undef S
	};
	struct slice error;
	struct rules *rules = compile(TEXT, &error);

	(void)state;
	assert_non_null(rules);
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		struct classification got = rules_classify(rules, &ROWS[i].reply);

		if (!slice_equal(got.rule, slice_from_cstr(ROWS[i].rule)))
			fail_msg("%s: %.*s", ROWS[i].why, SLICE_ARG(got.rule));
	}
	rules_free(rules);
}

static void test_first_match_wins(void **state)
{
	struct rules_source sources[] = {
		{ SLICE("a"), SLICE("rule one\n\treason expired\n\ttext user\n\texample user\n") },
		{ SLICE("b"),
		  SLICE("rule two\n\treason onhold\n\ttext user un\n\texample user un\n") },
	};
	struct reply reply = reply_of("550 User unknown");
	struct rules *rules = NULL;
	struct slice error;

	(void)state;
	assert_int_equal(rules_compile(sources, 2, true, arena, &rules, &error), OK);
	assert_int_equal(rules_classify(rules, &reply).reason, REASON_EXPIRED);
	assert_int_equal(rules_stats(rules).own_rules, 2);
	rules_free(rules);
	struct rules_source swapped[] = { sources[1], sources[0] };
	assert_int_equal(rules_compile(swapped, 2, true, arena, &rules, &error), OK);
	assert_int_equal(rules_classify(rules, &reply).reason, REASON_ONHOLD);
	rules_free(rules);
}

static void test_folding(void **state)
{
	static const struct {
		const char *text;
		const char *folded;
		const char *why;
	} ROWS[] = {
		{ "User  \t UNKNOWN\r\n x", "user unknown x", "case and white space" },
		{ "  x ", "x ", "leading space" },
		{ "<virus.spam+x@mail.example>: no", "<@>: no", "an address is an @" },
		{ "rfc822;o'neil@a.example.", "rfc822;o'@.", "its end and its quotes" },
		{ "mail @ noon, a@ b", "mail @ noon, a@ b", "no address" },
		{ "550-5.1.1 The account 550-5.1.1 does not 550 5.1.1 exist",
		  "550-5.1.1 the account does not exist", "lines of one reply" },
		{ "550 5.1.1 no 550 users", "550 5.1.1 no 550 users",
		  "one line: nothing left out" },
		{ "couldn\xe2\x80\x99t\xc2\xa0\xe2\x80\x9cx\xe2\x80\x9d", "couldn't \"x\"",
		  "typography" },
		{ "\xd0\x9f\xff", "\xd0\x9f\xff", "other bytes stay" },
		{ "", "", "nothing" },
	};
	struct folded_text *folded = ARENA_NEW(arena, struct folded_text);

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		folded_text_make(slice_from_cstr(ROWS[i].text), folded);
		if (!slice_equal(slice_from(folded->bytes, folded->len),
				 slice_from_cstr(ROWS[i].folded)))
			fail_msg("%s: %.*s", ROWS[i].why, (int)folded->len, folded->bytes);
	}
}

static void test_matched_span(void **state)
{
	static const struct {
		const char *text;
		const char *matched;
	} ROWS[] = {
		{ "550 5.2.2 Mailbox   FULL now", "Mailbox   FULL" },
		{ "550-mailbox\n550 full", "mailbox\n550 full" },
		{ "<a.b@c.example> mailbox full", "mailbox full" },
		{ "mailbox full", "mailbox full" },
	};
	struct slice error;
	struct rules *rules = compile(
		"rule a\n\treason mailboxfull\n\ttext mailbox full\n\texample mailbox full\n",
		&error);

	(void)state;
	assert_non_null(rules);
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		struct reply reply = reply_of(ROWS[i].text);
		struct slice got = rules_classify(rules, &reply).matched;

		if (!slice_equal(got, slice_from_cstr(ROWS[i].matched)))
			fail_msg("%s: %.*s", ROWS[i].text, SLICE_ARG(got));
		assert_true(got.ptr >= reply.text.ptr);
		assert_true(got.ptr + got.len <= reply.text.ptr + reply.text.len);
	}
	rules_free(rules);
}

static void test_literals(void **state)
{
	static const struct {
		const char *pattern;
		const char *literals; /* joined by | */
	} ROWS[] = {
		{ "mailbox full", "mailbox full" },
		{ "no (such|known) thing here", " thing here" },
		{ "(over quota|quota full)", "over quota|quota full" },
		{ "(over quota|x)", "" },
		{ "abcd|x", "" },
		{ "abcd|efgh(ij)?", "abcd|efgh" },
		{ "abcde?f", "abcd" },
		{ "abcd{2}e", "abc" },
		{ "abcd+efghi", "efghi" },
		{ "a\\.b\\.c\\bd", "a.b.cd" },
		{ "[abc]{3}", "" },
		{ "[]abc]wxyz[^]]", "wxyz" },
		{ "(?!abcdef)wxyz", "wxyz" },
		{ "(?:abcdef)", "abcdef" },
		{ "(abcdef)*xyz", "xyz" },
		{ "user (quota|limit)", "quota|limit" },
		{ ".{0,40}", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		struct literals got = literals_of_pattern(slice_from_cstr(ROWS[i].pattern), arena);
		struct slice joined = SLICE_NONE;

		for (size_t k = 0; k < got.count; k++)
			joined = arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(joined),
					      k > 0 ? "|" : "", SLICE_ARG(got.items[k]));
		if (!slice_equal(joined, slice_from_cstr(ROWS[i].literals)))
			fail_msg("%s: %.*s", ROWS[i].pattern, SLICE_ARG(joined));
	}
}

/* A pattern that would need forever on this text must end, without a match. */
static void test_limits(void **state)
{
	char text[2001];
	struct slice error;
	struct rules *rules =
		compile("rule a\n\treason expired\n\ttext (a+)+(b|c)d\n\texample aabd\n", &error);

	(void)state;
	assert_non_null(rules);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	struct reply reply = reply_of(text);
	assert_int_equal(rules_classify(rules, &reply).reason, REASON_NONE);
	rules_free(rules);
}

/* -- the built-in rules -- */

static void test_builtin_lint(void **state)
{
	struct rules *rules = rules_builtin();
	struct rules_findings findings = rules_lint(rules, false, arena);
	struct rules_stats stats = rules_stats(rules);

	(void)state;
	for (size_t i = 0; i < findings.count; i++)
		print_error("%.*s:%u: %.*s\n", SLICE_ARG(findings.items[i].file),
			    findings.items[i].line, SLICE_ARG(findings.items[i].text));
	assert_int_equal(findings.count, 0);
	/* The prefilter is worth something only while hardly any pattern escapes it. */
	assert_true(stats.unfiltered <= 10);
	assert_true(stats.rules > 250);
	rules_free(rules);
}

/* Each example and each text made of two of them: the prefilter must change nothing. */
static void test_prefilter_changes_nothing(void **state)
{
	struct rules *rules = rules_builtin();
	struct slice previous = SLICE_NONE;

	(void)state;
	for (size_t i = 0; i < rules->book.rule_count; i++) {
		const struct rule *rule = &rules->book.rules[i];

		for (size_t k = 0; k < rule->example_count; k++) {
			struct slice text = rule->examples[k].text;
			struct slice both = arena_printf(arena, "%.*s %.*s", SLICE_ARG(previous),
							 SLICE_ARG(text));
			struct slice texts[] = { text, both };

			for (size_t t = 0; t < COUNT(texts); t++) {
				struct reply reply = rule_example_reply(rules, rule, texts[t]);
				struct slice fast_span, plain_span;
				size_t fast = rules_decide(rules, &reply, true, &fast_span);
				size_t plain = rules_decide(rules, &reply, false, &plain_span);

				if (fast != plain || !slice_equal(fast_span, plain_span))
					fail_msg("%.*s", SLICE_ARG(texts[t]));
			}
			previous = text;
		}
	}
	rules_free(rules);
}

static void test_lint_findings(void **state)
{
	struct slice error;
	struct rules *rules = compile(
		RULE("a", "\treason expired\n\ttext box\n\texample box\n\tnot box two\n")
			RULE("b", "\treason onhold\n\ttext box full\n\texample box full\n") RULE(
				"c",
				"\treason onhold\n\ttext other\n\texample else\n\texample other\n"),
		&error);
	static const char *const EXPECTED[] = {
		"5 t.rules this line shall not match a",
		"10 t.rules the example is decided by a (t.rules:1), not by b",
		"7 t.rules b is unreachable: an earlier rule takes every example, e.g. a "
		"(t.rules:1)",
		"15 t.rules the example is decided by no rule, not by c",
	};

	(void)state;
	assert_non_null(rules);
	struct rules_findings findings = rules_lint(rules, true, arena);
	assert_int_equal(findings.count, COUNT(EXPECTED));
	for (size_t i = 0; i < findings.count; i++) {
		const struct rules_finding *finding = &findings.items[i];
		struct slice got = arena_printf(arena, "%u %.*s %.*s", finding->line,
						SLICE_ARG(finding->file), SLICE_ARG(finding->text));

		if (!slice_equal(got, slice_from_cstr(EXPECTED[i])))
			fail_msg("%.*s", SLICE_ARG(got));
	}
	rules_free(rules);
}

/* -- a folder -- */

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void test_folder(void **state)
{
	char dir[] = "/tmp/bounced-rules-XXXXXX";
	struct rules *rules = NULL;
	struct slice error = SLICE_NONE;
	struct reply reply = reply_of("550 5.1.1 User unknown");

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_file(dir, "20-b.rules", "rule b\n\treason onhold\n\ttext user\n\texample user\n");
	write_file(dir, "10-a.rules", "rule a\n\treason expired\n\ttext user\n\texample user\n");
	write_file(dir, "readme.txt", "not a rule file");
	assert_int_equal(rules_load(dir, arena, &rules, &error), OK);
	assert_int_equal(rules_classify(rules, &reply).reason, REASON_EXPIRED);

	/* A snapshot decides as the folder did, whatever becomes of the folder. */
	struct rules *copied = NULL;
	int snapshot = -1;
	assert_int_equal(rules_snapshot(dir, arena, &snapshot, &error), OK);
	write_file(dir, "10-a.rules", "rule a\n\treason blocked\n\ttext user\n\texample user\n");
	assert_int_equal(rules_load_snapshot(snapshot, arena, &copied, &error), OK);
	assert_int_equal(rules_classify(copied, &reply).reason, REASON_EXPIRED);
	rules_free(copied);
	close(snapshot);

	/* A broken file is refused by name and line; what was loaded stays. */
	snapshot = -1;
	struct rules *kept = rules;
	write_file(dir, "15-c.rules", "rule c\n\toops\n");
	assert_int_equal(rules_load(dir, arena, &rules, &error), ERR_REFUSE);
	assert_true(slice_equal(error, SLICE("15-c.rules:2: nothing follows \"oops\"")));
	assert_ptr_equal(rules, kept);
	assert_int_equal(rules_snapshot(dir, arena, &snapshot, &error), ERR_REFUSE);
	assert_true(slice_equal(error, SLICE("15-c.rules:2: nothing follows \"oops\"")));
	assert_int_equal(snapshot, -1);
	rules_free(rules);

	static const char *const NAMES[] = { "20-b.rules", "10-a.rules", "15-c.rules",
					     "readme.txt" };
	for (size_t i = 0; i < COUNT(NAMES); i++) {
		char path[200];

		snprintf(path, sizeof(path), "%s/%s", dir, NAMES[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rules_load(dir, arena, &rules, &error), OK);
	assert_int_equal(rules_classify(rules, &reply).reason, REASON_USERUNKNOWN);
	rules_free(rules);
	assert_int_equal(rules_snapshot(dir, arena, &snapshot, &error), OK);
	assert_int_equal(snapshot, RULES_NO_SNAPSHOT);
	assert_int_equal(rules_load_snapshot(snapshot, arena, &rules, &error), OK);
	assert_int_equal(rules_classify(rules, &reply).reason, REASON_USERUNKNOWN);
	rules_free(rules);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rules_snapshot(dir, arena, &snapshot, &error), ERR_MISSING);
	assert_int_equal(rules_load(dir, arena, &rules, &error), ERR_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_first_match_wins),
		cmocka_unit_test(test_folding),
		cmocka_unit_test(test_matched_span),
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_builtin_lint),
		cmocka_unit_test(test_prefilter_changes_nothing),
		cmocka_unit_test(test_lint_findings),
		cmocka_unit_test(test_folder),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
