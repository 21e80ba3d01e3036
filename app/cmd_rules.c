/* SPDX-License-Identifier: Apache-2.0 */
/* bounced rules lint|test|diff: for those who write classification rules. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/rules_diff.h"
#include "parser/rules.h"

#define RULE_FILE_MAX (1024 * 1024)

static int print_findings(const struct rules *rules, bool own_only, struct arena *arena)
{
	struct rules_findings findings = rules_lint(rules, own_only, arena);
	struct rules_stats stats = rules_stats(rules);

	for (size_t i = 0; i < findings.count; i++)
		printf("%.*s:%u: %.*s\n", SLICE_ARG(findings.items[i].file), findings.items[i].line,
		       SLICE_ARG(findings.items[i].text));
	fprintf(stderr, "%zu rules, %zu examples, %zu findings\n",
		own_only ? stats.own_rules : stats.rules,
		own_only ? stats.own_examples : stats.examples, findings.count);
	return findings.count == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static int cmd_lint(int argc, char **argv)
{
	const struct arg_spec spec = {
		.usage = "bounced rules lint [DIR]",
		.about = "Checks the rules of a folder, or the built-in ones: patterns, examples, "
			 "and "
			 "rules that an earlier one makes unreachable.",
		.max_operands = 1,
	};
	struct args args;
	int code = args_take(&spec, argc, argv, &args);

	if (code >= 0)
		return code;
	struct arena *arena = arena_new(0);
	struct rules *rules = NULL;
	struct slice error = SLICE_NONE;
	const char *dir = args.count > 0 ? args.operands[0] : NULL;

	if (rules_load(dir, arena, &rules, &error) != OK) {
		printf("%.*s\n", SLICE_ARG(error));
		code = COMMAND_FAILED;
	} else {
		code = print_findings(rules, dir != NULL, arena);
	}
	rules_free(rules);
	arena_free(arena);
	return code;
}

static bool read_source(const char *path, struct arena *arena, struct rules_source *ret_source)
{
	FILE *file = fopen(path, "re");
	char *text = file != NULL ? malloc(RULE_FILE_MAX) : NULL;
	size_t len = text != NULL ? fread(text, 1, RULE_FILE_MAX, file) : 0;
	bool fine = text != NULL && len < RULE_FILE_MAX && ferror(file) == 0;

	if (fine) {
		ret_source->name = arena_copy(arena, slice_from_cstr(path));
		ret_source->text = arena_copy(arena, slice_from(text, len));
	} else {
		fprintf(stderr, "bounced rules: %s: %s\n", path,
			len == RULE_FILE_MAX ? "too large" : strerror(errno));
	}
	free(text);
	if (file != NULL)
		fclose(file);
	return fine;
}

static int cmd_test(int argc, char **argv)
{
	const struct arg_spec spec = {
		.usage = "bounced rules test FILE...",
		.about =
			"Runs the examples of rule files, in front of the built-in rules, and says "
			"which are decided otherwise than written.",
		.min_operands = 1,
		.max_operands = -1,
	};
	struct args args;
	int code = args_take(&spec, argc, argv, &args);

	if (code >= 0)
		return code;
	struct arena *arena = arena_new(0);
	struct rules_source *sources = ARENA_ARRAY(arena, struct rules_source, (size_t)args.count);
	struct rules *rules = NULL;
	struct slice error = SLICE_NONE;

	code = COMMAND_OK;
	for (int i = 0; i < args.count && code == COMMAND_OK; i++)
		code = read_source(args.operands[i], arena, &sources[i]) ? COMMAND_OK
									 : COMMAND_FAILED;
	if (code == COMMAND_OK &&
	    rules_compile(sources, (size_t)args.count, true, arena, &rules, &error) != OK) {
		printf("%.*s\n", SLICE_ARG(error));
		code = COMMAND_FAILED;
	}
	if (code == COMMAND_OK)
		code = print_findings(rules, true, arena);
	rules_free(rules);
	arena_free(arena);
	return code;
}

static int cmd_diff(int argc, char **argv)
{
	const char *messages = NULL;
	bool json = false;
	const struct arg_option known[] = {
		{ .name = "messages",
		  .placeholder = "DIR",
		  .text = &messages,
		  .meaning = "the messages to read, in this folder and below" },
		ARG_JSON(&json),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced rules diff OLD NEW --messages DIR",
		.about =
			"Reads messages with the rules of two folders and prints each verdict that "
			"changes. \"builtin\" stands for the built-in rules alone.",
		.options = known,
		.min_operands = 2,
		.max_operands = 2,
	};
	struct args args;
	int code = args_take(&spec, argc, argv, &args);

	if (code >= 0)
		return code;
	if (messages == NULL) {
		fprintf(stderr, "bounced rules diff: --messages DIR is needed\n");
		return COMMAND_USAGE;
	}
	return rules_diff(args.operands[0], args.operands[1], messages, json);
}

int cmd_rules(int argc, char **argv)
{
	static const struct command COMMANDS[] = {
		{ "lint", cmd_lint, "check the rules of a folder, or the built-in ones" },
		{ "test", cmd_test, "run the examples of rule files" },
		{ "diff", cmd_diff, "show which verdicts change between two folders of rules" },
	};

	return command_dispatch("bounced rules", COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0]),
				argc, argv);
}
