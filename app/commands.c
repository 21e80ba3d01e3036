/* SPDX-License-Identifier: Apache-2.0 */
#include "app/commands.h"

#include <stdio.h>
#include <string.h>

static void print_list(const char *program, const struct command *commands, size_t count, FILE *out)
{
	fprintf(out, "usage: %s COMMAND [options]\n\n", program);
	for (size_t i = 0; i < count; i++) {
		if (commands[i].summary)
			fprintf(out, "  %-14s %s\n", commands[i].name, commands[i].summary);
	}
	fprintf(out, "\n`%s COMMAND --help` says more about one of them.\n", program);
}

int command_dispatch(const char *program, const struct command *commands, size_t count, int argc,
		     char **argv)
{
	if (argc < 2) {
		print_list(program, commands, count, stderr);
		return COMMAND_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0) {
		print_list(program, commands, count, stdout);
		return COMMAND_OK;
	}
	for (size_t i = 0; i < count; i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "bounced: unknown command \"%s %s\"\n", program, argv[1]);
	print_list(program, commands, count, stderr);
	return COMMAND_USAGE;
}
