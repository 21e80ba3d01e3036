/* SPDX-License-Identifier: Apache-2.0 */
/* The program: a table of commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands.h"
#include "app/version.h"
#include "parser/client.h"

static int run_parser_child(int argc, char **argv)
{
	parser_child_main(argc, argv);
}

static const struct command COMMANDS[] = {
	{ "serve", cmd_serve, "run the service in the foreground" },
	{ "migrate", cmd_migrate, "bring the database schema up to date" },
	{ "check-config", cmd_check_config, "check the configuration and print it in full" },
	{ "account", cmd_account, "create and list accounts" },
	{ "domain", cmd_domain, "add and list bounce domains" },
	{ "token-key", cmd_token_key, "create and list the keys that sign tokens" },
	{ "token", cmd_token, "mint and decode tokens" },
	{ "key", cmd_key, "create, list and revoke API keys" },
	{ "parse", cmd_parse, "read reports from files and print what they say as JSON" },
	{ "classify", cmd_classify, "say the reason that an SMTP reply stands for" },
	{ "rules", cmd_rules, "check and test classification rules" },
	{ "demo", cmd_demo, "send a few sample reports to a running service" },
	{ "parser-child", run_parser_child, NULL },
};

/* `bounced -c FILE COMMAND …` is `BOUNCED_CONFIG=FILE bounced COMMAND …`. Returns how many
 * arguments that was. */
static int take_config(int argc, char **argv)
{
	if (argc < 3 || (strcmp(argv[1], "-c") != 0 && strcmp(argv[1], "--config") != 0))
		return 0;
	setenv(COMMAND_CONFIG_VARIABLE, argv[2], 1);
	return 2;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("bounced " BOUNCED_VERSION);
		return COMMAND_OK;
	}

	int taken = take_config(argc, argv);
	int code = command_dispatch("bounced", COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0]),
				    argc - taken, argv + taken);

	/* A full disk or a closed pipe must not look like success. */
	if (fflush(stdout) != 0 && code == COMMAND_OK) {
		perror("bounced: standard output");
		return COMMAND_FAILED;
	}
	return code;
}
