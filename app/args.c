/* SPDX-License-Identifier: Apache-2.0 */
#include "app/args.h"

#include <stdarg.h>
#include <string.h>

#include "app/commands.h"
#include "core/err.h"
#include "core/slice.h"

PRINTF_LIKE(2, 3)
static bool fail(struct args *args, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(args->error, sizeof(args->error), format, list);
	va_end(list);
	return false;
}

static const struct arg_option *find_long(const struct arg_spec *spec, const char *name, size_t len)
{
	for (const struct arg_option *o = spec->options; o && o->name; o++) {
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	}
	return NULL;
}

static const struct arg_option *find_letter(const struct arg_spec *spec, char letter)
{
	for (const struct arg_option *o = spec->options; o && o->name; o++) {
		if (o->letter == letter)
			return o;
	}
	return NULL;
}

/* value: NULL where the option stands without one. */
static bool assign(const struct arg_option *option, const char *value, struct args *args)
{
	uint64_t number;

	if (option->flag) {
		if (value)
			return fail(args, "--%s takes no value", option->name);
		*option->flag = true;
		return true;
	}
	if (!value)
		return fail(args, "--%s needs a value", option->name);
	if (option->text) {
		*option->text = value;
		return true;
	}
	if (!slice_to_u64(slice_from_cstr(value), &number) || number > INT64_MAX)
		return fail(args, "--%s: \"%s\" is not a number", option->name, value);
	*option->number = (int64_t)number;
	return true;
}

/* Reads the option at *at, and steps over its value. */
static bool take_option(const struct arg_spec *spec, int argc, char **argv, int *at,
			struct args *args)
{
	const char *word = argv[*at];
	const struct arg_option *option;
	const char *value = NULL;

	if (word[1] == '-') {
		const char *equals = strchr(word, '=');
		size_t len = equals ? (size_t)(equals - word) - 2 : strlen(word) - 2;

		option = find_long(spec, word + 2, len);
		value = equals ? equals + 1 : NULL;
	} else {
		option = find_letter(spec, word[1]);
		value = word[2] ? word + 2 : NULL;
	}
	if (!option)
		return fail(args, "unknown option %s", word);
	if (!value && !option->flag && *at + 1 < argc)
		value = argv[++*at];
	return assign(option, value, args);
}

static bool check_operands(const struct arg_spec *spec, struct args *args)
{
	if (args->count < spec->min_operands)
		return fail(args, "an argument is missing");
	if (spec->max_operands >= 0 && args->count > spec->max_operands)
		return fail(args, "unexpected argument \"%s\"", args->operands[spec->max_operands]);
	return true;
}

bool args_parse(const struct arg_spec *spec, int argc, char **argv, struct args *args)
{
	bool options_ended = false;

	*args = (struct args){ .operands = argv + 1 };
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (options_ended || word[0] != '-' || word[1] == '\0') {
			args->operands[args->count++] = argv[i];
		} else if (strcmp(word, "--") == 0) {
			options_ended = true;
		} else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			args->help = true;
			return true;
		} else if (!take_option(spec, argc, argv, &i, args)) {
			return false;
		}
	}
	return check_operands(spec, args);
}

void args_print_help(const struct arg_spec *spec, FILE *out)
{
	fprintf(out, "usage: %s\n\n%s\n", spec->usage, spec->about);
	if (spec->options && spec->options->name)
		fputc('\n', out);
	for (const struct arg_option *o = spec->options; o && o->name; o++) {
		char left[60];
		char letter[5] = "    ";

		if (o->letter)
			snprintf(letter, sizeof(letter), "-%c, ", o->letter);
		snprintf(left, sizeof(left), "  %s--%s%s%s", letter, o->name,
			 o->placeholder ? " " : "", o->placeholder ? o->placeholder : "");
		fprintf(out, "%-30s %s\n", left, o->meaning);
	}
}

int args_take(const struct arg_spec *spec, int argc, char **argv, struct args *args)
{
	if (!args_parse(spec, argc, argv, args)) {
		fprintf(stderr, "bounced: %s\nusage: %s\n", args->error, spec->usage);
		return COMMAND_USAGE;
	}
	if (!args->help)
		return -1;
	args_print_help(spec, stdout);
	return COMMAND_OK;
}
