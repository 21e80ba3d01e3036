/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command-line arguments, by a table that is also the help text. Options may stand anywhere, as
 * `--name value` or `--name=value`; `--` ends them; `-` alone is an operand.
 */
#ifndef BOUNCED_APP_ARGS_H
#define BOUNCED_APP_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Exactly one of flag, text and number is set: where the value goes. Untouched when not given. */
struct arg_option {
	const char *name;        /* without dashes */
	char letter;             /* 0: none */
	const char *placeholder; /* "FILE"; NULL for a flag */
	const char *meaning;
	bool *flag;
	const char **text;
	int64_t *number; /* not negative */
};

struct arg_spec {
	const char *usage;                /* "bounced key revoke [options] KEY" */
	const char *about;                /* what it does, a sentence */
	const struct arg_option *options; /* ended by one without name; may be NULL */
	int min_operands;
	int max_operands; /* -1: any number */
};

#define ARGS_ERROR_LEN 200

struct args {
	char **operands; /* the front of argv + 1, reordered */
	int count;
	bool help; /* --help was given: nothing else was checked */
	char error[ARGS_ERROR_LEN];
};

/* argv[0] is skipped. false: args->error says why. */
bool args_parse(const struct arg_spec *spec, int argc, char **argv, struct args *args);
void args_print_help(const struct arg_spec *spec, FILE *out);

/*
 * For commands: parses, and answers --help on stdout and errors on stderr. Returns -1 when the
 * command shall go on, else the exit code it shall return.
 */
int args_take(const struct arg_spec *spec, int argc, char **argv, struct args *args);

/* The option that every command has which reads the configuration. */
#define ARG_CONFIG(target)                                                                \
	{                                                                                 \
		.name = "config", .letter = 'c', .placeholder = "FILE", .text = (target), \
		.meaning = "read this configuration file"                                 \
	}
#define ARG_JSON(target)                                                                     \
	{                                                                                    \
		.name = "json", .flag = (target), .meaning = "print JSON, one object a line" \
	}
#define ARG_END              \
	{                    \
		.name = NULL \
	}

#endif
