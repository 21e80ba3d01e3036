/* SPDX-License-Identifier: Apache-2.0 */
/* bounced domain pattern add|list|remove: return paths of other systems (ingest/legacy_pattern.h)
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/record.h"
#include "app/setup.h"
#include "core/timestamp.h"
#include "ingest/legacy_pattern.h"
#include "store/pattern_secret.h"

struct options {
	const char *config;
	bool json;
	const char *until;
	const char *secret_file;
	const char *algorithm;
	const char *covers;
	int64_t digits;
};

static void print_pattern(const struct directory_pattern *pattern, bool json)
{
	struct record record;

	record_begin(&record, json);
	record_text(&record, "domain", pattern->domain);
	record_number(&record, "number", pattern->number);
	record_text(&record, "template", pattern->template_);
	record_time(&record, "until", pattern->expires_at);
	record_text(&record, "algorithm",
		    slice_from_cstr(pattern_algorithm_word(pattern->algorithm)));
	record_text(&record, "covers", pattern->covers);
	record_number(&record, "digits", pattern->mac_digits);
	record_end(&record, stdout);
}

/* The file's bytes without the line end behind them. */
static bool read_secret(const char *path, struct directory_pattern *pattern)
{
	char bytes[PATTERN_SECRET_MAX + 3];
	FILE *file = fopen(path, "rb");

	if (!file) {
		fprintf(stderr, "bounced: %s: %s\n", path, strerror(errno));
		return false;
	}
	size_t len = fread(bytes, 1, sizeof(bytes), file);

	fclose(file);
	if (len > 0 && bytes[len - 1] == '\n')
		len--;
	if (len > 0 && bytes[len - 1] == '\r')
		len--;
	bool fits = len > 0 && len <= PATTERN_SECRET_MAX;
	if (fits) {
		memcpy(pattern->secret, bytes, len);
		pattern->secret_len = (uint8_t)len;
	} else {
		fprintf(stderr, "bounced: %s: a secret has 1 to %d bytes\n", path,
			PATTERN_SECRET_MAX);
	}
	explicit_bzero(bytes, sizeof(bytes));
	return fits;
}

/* What the options say, but for the secret; the reason why not, or NULL. */
static const char *take_options(const struct options *options, struct directory_pattern *pattern)
{
	pattern->expires_at = TIME_NONE;
	if (options->secret_file) {
		pattern->covers = slice_from_cstr(options->covers);
		pattern->mac_digits = options->digits <= 64 ? (uint8_t)options->digits : 0;
		if (!pattern_algorithm_from_word(slice_from_cstr(options->algorithm),
						 &pattern->algorithm) ||
		    pattern->algorithm == PATTERN_UNSIGNED)
			return "domain pattern add: --algorithm is sha256 or sha1";
	} else {
		pattern->expires_at = time_now_ms() + LEGACY_DAYS_DEFAULT * TIME_DAY_MS;
	}
	if (options->until &&
	    !time_parse_rfc3339(slice_from_cstr(options->until), &pattern->expires_at))
		return "domain pattern add: --until is a date such as 2027-01-31";
	return NULL;
}

static int add(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	struct directory_pattern pattern = {
		.domain = slice_from_cstr(args->operands[0]),
		.template_ = slice_from_cstr(args->operands[1]),
		.covers = SLICE_NONE,
	};
	const char *misused = take_options(options, &pattern);
	struct slice error = legacy_pattern_problem(&pattern);

	if (misused)
		return setup_misused(misused);
	if (!slice_empty(error))
		return setup_failed(error);
	if (options->secret_file &&
	    (!setup_master_key(setup) || !read_secret(options->secret_file, &pattern)))
		return COMMAND_FAILED;
	enum err err = admin_pattern_add(&setup->admin, setup->master_key, &pattern, &error);

	explicit_bzero(pattern.secret, sizeof(pattern.secret));
	if (err != OK)
		return setup_failed(error);
	print_pattern(&pattern, options->json);
	return COMMAND_OK;
}

static int pattern_add(int argc, char **argv)
{
	struct options options = { .algorithm = "sha256", .covers = "", .digits = 16 };
	const struct arg_option table[] = {
		{ .name = "until",
		  .placeholder = "DATE",
		  .text = &options.until,
		  .meaning = "when it ends; 45 days from now where it is unsigned" },
		{ .name = "secret-file",
		  .placeholder = "FILE",
		  .text = &options.secret_file,
		  .meaning = "the secret of {hmac}" },
		{ .name = "covers",
		  .placeholder = "TEXT",
		  .text = &options.covers,
		  .meaning = "what {hmac} is made over: \"{ref}\"" },
		{ .name = "algorithm",
		  .placeholder = "NAME",
		  .text = &options.algorithm,
		  .meaning = "sha256 or sha1" },
		{ .name = "digits",
		  .placeholder = "N",
		  .number = &options.digits,
		  .meaning = "hex digits of {hmac} (16)" },
		ARG_CONFIG(&options.config),
		ARG_JSON(&options.json),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced domain pattern add [options] DOMAIN TEMPLATE",
		.about = "Takes return paths of that form at the domain: {local} and {domain} "
			 "stand for\n"
			 "the mail's recipient, {ref} for your number, {hmac} for a signature.\n"
			 "Example: 'news-bounces+{local}={domain}'",
		.options = table,
		.min_operands = 2,
		.max_operands = 2,
	};

	return setup_run(&spec, argc, argv, &options.config, add, &options);
}

static int list(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	struct admin_pattern *patterns;
	struct slice error;
	size_t count;

	(void)args;
	if (admin_pattern_list(&setup->admin, &patterns, &count, &error) != OK)
		return setup_failed(error);
	for (size_t i = 0; i < count; i++)
		print_pattern(&patterns[i].pattern, options->json);
	return COMMAND_OK;
}

static int pattern_list(int argc, char **argv)
{
	struct options options = { 0 };
	const struct arg_option table[] = {
		ARG_CONFIG(&options.config),
		ARG_JSON(&options.json),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced domain pattern list [options]",
		.about = "Prints domain, number, template, end, algorithm, what it covers, and "
			 "digits\n"
			 "of each pattern.",
		.options = table,
	};

	return setup_run(&spec, argc, argv, &options.config, list, &options);
}

static int remove_pattern(struct setup *setup, const struct args *args, void *context)
{
	struct slice error;
	uint64_t number;

	(void)context;
	if (!slice_to_u64(slice_from_cstr(args->operands[1]), &number))
		return setup_misused("domain pattern remove: DOMAIN and the pattern's number");
	if (admin_pattern_remove(&setup->admin, slice_from_cstr(args->operands[0]), number,
				 &error) != OK)
		return setup_failed(error);
	return COMMAND_OK;
}

static int pattern_remove(int argc, char **argv)
{
	struct options options = { 0 };
	const struct arg_option table[] = {
		ARG_CONFIG(&options.config),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced domain pattern remove [options] DOMAIN NUMBER",
		.about = "Return paths of that form count as wrong again.",
		.options = table,
		.min_operands = 2,
		.max_operands = 2,
	};

	return setup_run(&spec, argc, argv, &options.config, remove_pattern, &options);
}

int cmd_domain_pattern(int argc, char **argv)
{
	static const struct command verbs[] = {
		{ "add", pattern_add, "take another form of return paths" },
		{ "list", pattern_list, "list all patterns" },
		{ "remove", pattern_remove, "take them no more" },
	};

	return command_dispatch("bounced domain pattern", verbs, sizeof(verbs) / sizeof(verbs[0]),
				argc, argv);
}
