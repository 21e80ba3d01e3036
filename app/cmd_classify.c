/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bounced classify: what one SMTP reply stands for, as JSON. No message, no daemon, no database.
 * Replies mostly answer RCPT, so that is assumed unless --command says otherwise.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/args.h"
#include "app/commands.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/status.h"
#include "core/vocabulary.h"
#include "parser/rules.h"
#include "parser/verdict.h"

struct classify {
	const char *host, *domain, *command, *agent, *rules_dir, *vocabulary;
	enum vocabulary vocabulary_chosen;
	struct rules *rules;
	struct arena *arena;
};

static void print_verdict(const struct classify *classify, struct slice reply,
			  const struct report_recipient *recipient)
{
	struct buf out;
	struct json_writer json;

	buf_init(&out, 16 * LIMIT_DIAGNOSTIC);
	json_init(&json, &out);
	json_object_begin(&json);
	json_put_string(&json, "reply", slice_head(reply, LIMIT_DIAGNOSTIC));
	json_put_optional(&json, "reply_code", recipient->reply_code);
	json_put_optional(&json, "status", recipient->status);
	json_put_cstr(&json, "reason", reason_word(recipient->reason));
	json_put_cstr(&json, "severity", severity_word(recipient->severity));
	json_put_cstr(&json, "class", reason_class_word(recipient->class_));
	json_put_optional(&json, "rule", recipient->rule);
	json_put_optional(&json, "matched", recipient->matched);
	vocabulary_json(&json, classify->vocabulary_chosen, REPORT_BOUNCE, recipient->reason);
	json_object_end(&json);
	printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
	buf_done(&out);
}

static void classify_reply(const struct classify *classify, struct slice reply)
{
	bool command_known = strcmp(classify->command, "none") != 0;
	struct report_recipient recipient = {
		.address = classify->domain == NULL
				   ? SLICE_NONE
				   : arena_printf(classify->arena, "@%s", classify->domain),
		.original = SLICE_NONE,
		.action = ACTION_FAILED,
		.status = status_find(reply),
		.reply_code = reply_code_find(reply),
		.command = slice_from_cstr(command_known ? classify->command : NULL),
		.remote_mta = slice_from_cstr(classify->host),
		.diagnostic = reply,
		.rule = SLICE_NONE,
		.matched = SLICE_NONE,
	};

	verdict_recipient(classify->rules, slice_from_cstr(classify->agent), REPORT_BOUNCE,
			  &recipient);
	print_verdict(classify, reply, &recipient);
	arena_reset(classify->arena);
}

static void classify_lines(const struct classify *classify, FILE *in)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	while ((len = getline(&line, &cap, in)) >= 0) {
		struct slice reply = slice_trim(slice_from(line, (size_t)len));

		if (!slice_empty(reply))
			classify_reply(classify, reply);
	}
	free(line);
}

static int prepare(struct classify *classify)
{
	static const char *const COMMANDS[] = { "conn", "helo", "mail", "rcpt", "data", "none" };
	struct slice error = SLICE_NONE;
	size_t i = 0;

	while (i < sizeof(COMMANDS) / sizeof(COMMANDS[0]) &&
	       strcmp(COMMANDS[i], classify->command) != 0)
		i++;
	if (i == sizeof(COMMANDS) / sizeof(COMMANDS[0])) {
		fprintf(stderr,
			"bounced classify: --command is conn, helo, mail, rcpt, data or none\n");
		return COMMAND_USAGE;
	}
	if (classify->vocabulary != NULL &&
	    !vocabulary_from_word(slice_from_cstr(classify->vocabulary),
				  &classify->vocabulary_chosen)) {
		fprintf(stderr,
			"bounced classify: --vocabulary is sparkpost, postmark, ses or kumomta\n");
		return COMMAND_USAGE;
	}
	if (rules_load(classify->rules_dir, classify->arena, &classify->rules, &error) != OK) {
		fprintf(stderr, "bounced classify: %.*s\n", SLICE_ARG(error));
		return COMMAND_FAILED;
	}
	return COMMAND_OK;
}

int cmd_classify(int argc, char **argv)
{
	struct classify classify = { .command = "rcpt" };
	struct args args;
	const struct arg_option known[] = {
		{ .name = "host",
		  .placeholder = "NAME",
		  .text = &classify.host,
		  .meaning = "the server that gave the reply" },
		{ .name = "domain",
		  .placeholder = "DOMAIN",
		  .text = &classify.domain,
		  .meaning = "the recipient's domain" },
		{ .name = "command",
		  .placeholder = "STEP",
		  .text = &classify.command,
		  .meaning = "what it answered: conn, helo, mail, rcpt (default), data, none" },
		{ .name = "agent",
		  .placeholder = "NAME",
		  .text = &classify.agent,
		  .meaning = "the reader to speak for, e.g. exim" },
		{ .name = "vocabulary",
		  .placeholder = "NAME",
		  .text = &classify.vocabulary,
		  .meaning = "add the class of sparkpost, postmark, ses or kumomta" },
		{ .name = "rules",
		  .placeholder = "DIR",
		  .text = &classify.rules_dir,
		  .meaning = "put the rules of this folder before the built-in ones" },
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced classify [options] REPLY... | -",
		.about = "Says the reason that an SMTP reply stands for, as JSON. - reads replies "
			 "from "
			 "standard input, one a line.",
		.options = known,
		.min_operands = 1,
		.max_operands = -1,
	};
	int code = args_take(&spec, argc, argv, &args);

	if (code >= 0)
		return code;
	classify.arena = arena_new(0);
	code = prepare(&classify);
	for (int i = 0; i < args.count && code == COMMAND_OK; i++) {
		if (strcmp(args.operands[i], "-") == 0)
			classify_lines(&classify, stdin);
		else
			classify_reply(&classify, slice_from_cstr(args.operands[i]));
	}
	rules_free(classify.rules);
	arena_free(classify.arena);
	return code;
}
