/* SPDX-License-Identifier: Apache-2.0 */
/* bounced account create|set|list */
#include <stdio.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/record.h"
#include "app/setup.h"

struct options {
	const char *config;
	bool json;
	bool observe;
};

static void print_account(const struct admin_account *account, bool json)
{
	bool observe = account->mode == ACCOUNT_OBSERVE;
	struct record record;

	record_begin(&record, json);
	record_number(&record, "id", account->id);
	record_text(&record, "name", account->name);
	record_text(&record, "mode", observe ? SLICE("observe") : SLICE("enforce"));
	record_bool(&record, "accept_unverified", account->accept_unverified);
	record_time(&record, "created_at", account->created_at);
	record_end(&record, stdout);
}

static int create(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	enum account_mode mode = options->observe ? ACCOUNT_OBSERVE : ACCOUNT_ENFORCE;
	struct slice name = slice_from_cstr(args->operands[0]);
	struct admin_account account;
	struct slice error;
	uint64_t id;

	if (admin_account_create(&setup->admin, name, mode, &id, &error) != OK ||
	    admin_account_find(&setup->admin, name, &account, &error) != OK)
		return setup_failed(error);
	print_account(&account, options->json);
	return COMMAND_OK;
}

static int account_create(int argc, char **argv)
{
	struct options options = { 0 };
	const struct arg_option table[] = {
		{ .name = "observe",
		  .flag = &options.observe,
		  .meaning = "compute every effect, but suppress nobody" },
		ARG_CONFIG(&options.config),
		ARG_JSON(&options.json),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced account create [options] NAME",
		.about = "Creates an account and prints it.",
		.options = table,
		.min_operands = 1,
		.max_operands = 1,
	};

	return setup_run(&spec, argc, argv, &options.config, create, &options);
}

static int list(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	struct admin_account *accounts;
	struct slice error;
	size_t count;

	(void)args;
	if (admin_account_list(&setup->admin, &accounts, &count, &error) != OK)
		return setup_failed(error);
	for (size_t i = 0; i < count; i++)
		print_account(&accounts[i], options->json);
	return COMMAND_OK;
}

static int account_list(int argc, char **argv)
{
	struct options options = { 0 };
	const struct arg_option table[] = {
		ARG_CONFIG(&options.config),
		ARG_JSON(&options.json),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced account list [options]",
		.about = "Prints number, name, mode, accept_unverified and age of each account.",
		.options = table,
	};

	return setup_run(&spec, argc, argv, &options.config, list, &options);
}

/* "mode=observe"; false: no such word. */
static bool apply(struct slice word, struct admin_account *account)
{
	static const struct slice modes[] = { SLICE_LITERAL("mode=enforce"),
					      SLICE_LITERAL("mode=observe") };
	static const struct slice accepts[] = { SLICE_LITERAL("accept_unverified=false"),
						SLICE_LITERAL("accept_unverified=true") };

	for (size_t i = 0; i < 2; i++) {
		if (slice_equal(word, modes[i])) {
			account->mode = i == 1 ? ACCOUNT_OBSERVE : ACCOUNT_ENFORCE;
			return true;
		}
		if (slice_equal(word, accepts[i])) {
			account->accept_unverified = i == 1;
			return true;
		}
	}
	return false;
}

static int set(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	struct admin_account account;
	struct slice error;

	if (!setup_account(setup, args->operands[0], &account))
		return COMMAND_FAILED;
	for (int i = 1; i < args->count; i++)
		if (!apply(slice_from_cstr(args->operands[i]), &account))
			return setup_misused("account set: mode=enforce|observe, "
					     "accept_unverified=true|false");
	if (admin_account_save(&setup->admin, &account, &error) != OK)
		return setup_failed(error);
	print_account(&account, options->json);
	return COMMAND_OK;
}

static int account_set(int argc, char **argv)
{
	struct options options = { 0 };
	const struct arg_option table[] = {
		ARG_CONFIG(&options.config),
		ARG_JSON(&options.json),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced account set [options] NAME SETTING=VALUE…",
		.about = "Changes mode (enforce, observe: nobody is suppressed) and "
			 "accept_unverified\n"
			 "(true: anyone on the internet may have anybody suppressed).",
		.options = table,
		.min_operands = 2,
		.max_operands = -1,
	};

	return setup_run(&spec, argc, argv, &options.config, set, &options);
}

int cmd_account(int argc, char **argv)
{
	static const struct command verbs[] = {
		{ "create", account_create, "create an account" },
		{ "set", account_set, "change an account" },
		{ "list", account_list, "list all accounts" },
	};

	return command_dispatch("bounced account", verbs, sizeof(verbs) / sizeof(verbs[0]), argc,
				argv);
}
