/* SPDX-License-Identifier: Apache-2.0 */
/* bounced domain add|set|list|pattern */
#include <stdio.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/record.h"
#include "app/setup.h"
#include "core/timestamp.h"

/* Until then a wrong return path may be the sender's first mistake. */
#define LEARNING_MS (30 * TIME_DAY_MS)

struct options {
	const char *config;
	bool json;
	const char *account;
	const char *reject_invalid;
	bool shared;
};

static void print_domain(const struct admin_domain *domain, bool json)
{
	bool accept = domain->reject_invalid == REJECT_INVALID_ACCEPT;
	struct record record;

	record_begin(&record, json);
	record_text(&record, "name", domain->name);
	record_number(&record, "account", domain->account_id);
	record_text(&record, "reject_invalid", accept ? SLICE("accept") : SLICE("550"));
	record_time(&record, "created_at", domain->created_at);
	record_text(&record, "advice",
		    accept && time_now_ms() - domain->created_at > LEARNING_MS
			    ? SLICE("older than 30 days: consider reject_invalid=550")
			    : SLICE_NONE);
	record_end(&record, stdout);
}

static bool reject_invalid_from_word(struct slice word, enum reject_invalid *ret_reject)
{
	*ret_reject = slice_equal(word, SLICE("550")) ? REJECT_INVALID_550 : REJECT_INVALID_ACCEPT;
	return *ret_reject == REJECT_INVALID_550 || slice_equal(word, SLICE("accept"));
}

static int add(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	enum reject_invalid reject;
	struct admin_account account = { .id = 0 };
	struct slice error;

	if (!options->account == !options->shared)
		return setup_misused("domain add: either --account or --shared");
	if (!reject_invalid_from_word(slice_from_cstr(options->reject_invalid), &reject))
		return setup_misused("domain add: --reject-invalid is accept or 550");
	if (options->account && !setup_account(setup, options->account, &account))
		return COMMAND_FAILED;
	if (admin_domain_add(&setup->admin, slice_from_cstr(args->operands[0]), account.id, reject,
			     &error) != OK)
		return setup_failed(error);
	return COMMAND_OK;
}

static int domain_add(int argc, char **argv)
{
	struct options options = { .reject_invalid = "accept" };
	const struct arg_option table[] = {
		{ .name = "account",
		  .letter = 'a',
		  .placeholder = "NAME",
		  .text = &options.account,
		  .meaning = "whose domain it is: name or number" },
		{ .name = "shared",
		  .flag = &options.shared,
		  .meaning = "every account may use it" },
		{ .name = "reject-invalid",
		  .placeholder = "WORD",
		  .text = &options.reject_invalid,
		  .meaning = "wrong tokens at RCPT: accept (stored, no effect) or 550" },
		ARG_CONFIG(&options.config),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced domain add [options] DOMAIN",
		.about = "Adds a domain that return paths point at, or changes its "
			 "--reject-invalid.",
		.options = table,
		.min_operands = 1,
		.max_operands = 1,
	};

	return setup_run(&spec, argc, argv, &options.config, add, &options);
}

static int set(struct setup *setup, const struct args *args, void *context)
{
	static const struct slice name = SLICE_LITERAL("reject_invalid=");
	struct slice word = slice_from_cstr(args->operands[1]);
	const struct options *options = context;
	enum reject_invalid wanted;
	struct admin_domain domain;
	struct slice error;

	if (!slice_starts_with(word, name) ||
	    !reject_invalid_from_word(slice_skip(word, name.len), &wanted))
		return setup_misused("domain set: reject_invalid=accept|550");
	if (admin_domain_find(&setup->admin, slice_from_cstr(args->operands[0]), &domain, &error) !=
		    OK ||
	    admin_domain_add(&setup->admin, domain.name, domain.account_id, wanted, &error) != OK)
		return setup_failed(error);
	domain.reject_invalid = wanted;
	print_domain(&domain, options->json);
	return COMMAND_OK;
}

static int domain_set(int argc, char **argv)
{
	struct options options = { 0 };
	const struct arg_option table[] = {
		ARG_CONFIG(&options.config),
		ARG_JSON(&options.json),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced domain set [options] DOMAIN reject_invalid=accept|550",
		.about = "Changes what is done with return paths that do not verify: stored "
			 "without\n"
			 "effect, or refused.",
		.options = table,
		.min_operands = 2,
		.max_operands = 2,
	};

	return setup_run(&spec, argc, argv, &options.config, set, &options);
}

static int list(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	struct admin_domain *domains;
	struct slice error;
	size_t count;

	(void)args;
	if (admin_domain_list(&setup->admin, &domains, &count, &error) != OK)
		return setup_failed(error);
	for (size_t i = 0; i < count; i++)
		print_domain(&domains[i], options->json);
	return COMMAND_OK;
}

static int domain_list(int argc, char **argv)
{
	struct options options = { 0 };
	const struct arg_option table[] = {
		ARG_CONFIG(&options.config),
		ARG_JSON(&options.json),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced domain list [options]",
		.about = "Prints name, account (0: shared), reject_invalid, age and advice of each "
			 "domain.",
		.options = table,
	};

	return setup_run(&spec, argc, argv, &options.config, list, &options);
}

int cmd_domain(int argc, char **argv)
{
	static const struct command verbs[] = {
		{ "add", domain_add, "add a bounce domain" },
		{ "set", domain_set, "change a bounce domain" },
		{ "pattern", cmd_domain_pattern, "legacy return paths that a domain takes" },
		{ "list", domain_list, "list all bounce domains" },
	};

	return command_dispatch("bounced domain", verbs, sizeof(verbs) / sizeof(verbs[0]), argc,
				argv);
}
