/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/args.h"

static bool flag;
static const char *text;
static int64_t number;

static const struct arg_option OPTIONS[] = {
	{ .name = "flag", .letter = 'f', .flag = &flag, .meaning = "a flag" },
	{ .name = "text",
	  .letter = 't',
	  .placeholder = "TEXT",
	  .text = &text,
	  .meaning = "a text" },
	{ .name = "number", .placeholder = "N", .number = &number, .meaning = "a number" },
	ARG_END,
};

static const struct arg_spec SPEC = {
	.usage = "bounced test [options] A [B]",
	.about = "Tests.",
	.options = OPTIONS,
	.min_operands = 1,
	.max_operands = 2,
};

#define WORDS_MAX 8

struct good {
	const char *words[WORDS_MAX];
	bool flag;
	const char *text;
	int64_t number;
	const char *operands[3];
};

static const struct good GOOD[] = {
	{ { "x" }, false, "unset", -1, { "x" } },
	{ { "x", "y" }, false, "unset", -1, { "x", "y" } },
	{ { "--flag", "x" }, true, "unset", -1, { "x" } },
	{ { "x", "-f" }, true, "unset", -1, { "x" } },
	{ { "--text", "v", "x" }, false, "v", -1, { "x" } },
	{ { "--text=v", "x" }, false, "v", -1, { "x" } },
	{ { "--text=", "x" }, false, "", -1, { "x" } },
	{ { "--text=a=b", "x" }, false, "a=b", -1, { "x" } },
	{ { "-t", "v", "x" }, false, "v", -1, { "x" } },
	{ { "-tv", "x" }, false, "v", -1, { "x" } },
	/* a value may look like an option */
	{ { "--text", "--flag", "x" }, false, "--flag", -1, { "x" } },
	{ { "--number", "0", "x" }, false, "unset", 0, { "x" } },
	{ { "--number=9223372036854775807", "x" }, false, "unset", INT64_MAX, { "x" } },
	{ { "x", "--number", "7", "y" }, false, "unset", 7, { "x", "y" } },
	/* operands that look like options */
	{ { "-" }, false, "unset", -1, { "-" } },
	{ { "--", "--flag", "-t" }, false, "unset", -1, { "--flag", "-t" } },
};

struct bad {
	const char *words[WORDS_MAX];
	const char *error;
};

static const struct bad BAD[] = {
	{ { NULL }, "an argument is missing" },
	{ { "--flag" }, "an argument is missing" },
	{ { "x", "y", "z" }, "unexpected argument \"z\"" },
	{ { "x", "--nonesuch" }, "unknown option --nonesuch" },
	/* no abbreviations */
	{ { "x", "--fla" }, "unknown option --fla" },
	{ { "x", "--flagg" }, "unknown option --flagg" },
	{ { "x", "-z" }, "unknown option -z" },
	{ { "x", "--flag=yes" }, "--flag takes no value" },
	{ { "x", "--text" }, "--text needs a value" },
	{ { "x", "--number", "seven" }, "--number: \"seven\" is not a number" },
	{ { "x", "--number", "-1" }, "--number: \"-1\" is not a number" },
	{ { "x", "--number", "9223372036854775808" },
	  "--number: \"9223372036854775808\" is not a number" },
};

static char *strcpy_into(char storage[32], const char *word)
{
	snprintf(storage, 32, "%s", word);
	return storage;
}

/* args_parse() moves the words of argv about, but not their text. */
static bool parse(const char *const *words, char **argv, struct args *args)
{
	static char storage[WORDS_MAX + 1][32];
	int argc = 0;

	argv[argc] = strcpy_into(storage[argc], "test");
	argc++;
	while (argc < WORDS_MAX && words[argc - 1]) {
		argv[argc] = strcpy_into(storage[argc], words[argc - 1]);
		argc++;
	}
	flag = false;
	text = "unset";
	number = -1;
	return args_parse(&SPEC, argc, argv, args);
}

static void check_good(const struct good *good)
{
	char *argv[WORDS_MAX + 1] = { NULL };
	struct args args;
	int count = 0;

	assert_true(parse(good->words, argv, &args));
	assert_int_equal(flag, good->flag);
	assert_string_equal(text, good->text);
	assert_int_equal(number, good->number);
	while (count < 3 && good->operands[count]) {
		assert_true(count < args.count);
		assert_string_equal(args.operands[count], good->operands[count]);
		count++;
	}
	assert_int_equal(args.count, count);
}

static void accepts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++)
		check_good(&GOOD[i]);
}

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		char *argv[WORDS_MAX + 1] = { NULL };
		struct args args;

		assert_false(parse(BAD[i].words, argv, &args));
		assert_string_equal(args.error, BAD[i].error);
	}
}

/* --help wins over whatever else is wrong behind it. */
static void helps(void **state)
{
	static const char *const words[] = { "--help", "--nonesuch", NULL };
	char *argv[WORDS_MAX + 1] = { NULL };
	struct args args;

	(void)state;
	assert_true(parse(words, argv, &args));
	assert_true(args.help);
}

static void help_names_every_option(void **state)
{
	char *help = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&help, &size);

	(void)state;
	args_print_help(&SPEC, out);
	fclose(out);
	assert_non_null(strstr(help, "usage: bounced test [options] A [B]\n"));
	for (const struct arg_option *o = OPTIONS; o->name; o++) {
		assert_non_null(strstr(help, o->name));
		assert_non_null(strstr(help, o->meaning));
	}
	free(help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts),
		cmocka_unit_test(refuses),
		cmocka_unit_test(helps),
		cmocka_unit_test(help_names_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
