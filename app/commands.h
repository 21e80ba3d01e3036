/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the program; docs/operations.md describes them for those who type them. */
#ifndef BOUNCED_APP_COMMANDS_H
#define BOUNCED_APP_COMMANDS_H

#include <stddef.h>

/* Exit codes of every command. */
enum {
	COMMAND_OK = 0,
	COMMAND_FAILED = 1, /* what was asked for could not be done; stderr says why */
	COMMAND_USAGE = 2,  /* wrong arguments */
};

/* Names the configuration file for every command; `bounced -c FILE COMMAND` sets it. */
#define COMMAND_CONFIG_VARIABLE "BOUNCED_CONFIG"

/* argv[0] is the command's own name. */
typedef int command_fn(int argc, char **argv);

struct command {
	const char *name;
	command_fn *run;
	const char *summary; /* NULL: not listed */
};

/*
 * Runs the command that argv[1] names with argv + 1. `program` stands in messages: "bounced" or
 * "bounced token". Without a known name: the list on stderr and COMMAND_USAGE.
 */
int command_dispatch(const char *program, const struct command *commands, size_t count, int argc,
		     char **argv);

command_fn cmd_serve;
command_fn cmd_migrate;
command_fn cmd_check_config;
command_fn cmd_account;
command_fn cmd_domain;
command_fn cmd_domain_pattern; /* of cmd_domain */
command_fn cmd_key;
command_fn cmd_token;
command_fn cmd_token_key;
command_fn cmd_parse;
command_fn cmd_classify;
command_fn cmd_rules;
command_fn cmd_demo;

#endif
