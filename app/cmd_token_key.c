/* SPDX-License-Identifier: Apache-2.0 */
/* bounced token-key create|list: the keys that sign tokens */
#include <stdio.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/record.h"
#include "app/setup.h"

struct options {
	const char *config;
	bool json;
	const char *account;
};

static void print_key(const struct admin_token_key *key, bool json)
{
	struct record record;

	record_begin(&record, json);
	record_number(&record, "account", key->account_id);
	record_number(&record, "id", key->key_id);
	record_text(&record, "state", slice_from_cstr(token_key_state_word(key->state)));
	record_time(&record, "created_at", key->created_at);
	record_time(&record, "retired_at", key->retired_at);
	record_end(&record, stdout);
}

static int create(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	struct admin_account account;
	struct admin_token_key key;
	struct slice error;

	(void)args;
	if (!options->account)
		return setup_misused("token-key create: --account is missing");
	if (!setup_master_key(setup) || !setup_account(setup, options->account, &account))
		return COMMAND_FAILED;
	if (admin_token_key_create(&setup->admin, account.id, setup->master_key, &key, &error) !=
	    OK)
		return setup_failed(error);
	print_key(&key, options->json);
	return COMMAND_OK;
}

static int token_key_create(int argc, char **argv)
{
	struct options options = { 0 };
	const struct arg_option table[] = {
		{ .name = "account",
		  .letter = 'a',
		  .placeholder = "NAME",
		  .text = &options.account,
		  .meaning = "whose tokens it signs: name or number" },
		ARG_CONFIG(&options.config),
		ARG_JSON(&options.json),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced token-key create --account NAME [options]",
		.about =
			"Creates a random key, sealed with the master key. The account's first is\n"
			"current at once, a later one is next in line.",
		.options = table,
	};

	return setup_run(&spec, argc, argv, &options.config, create, &options);
}

static int list(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	struct admin_account account = { 0 };
	struct admin_token_key *keys;
	struct slice error;
	size_t count;

	(void)args;
	if (options->account && !setup_account(setup, options->account, &account))
		return COMMAND_FAILED;
	if (admin_token_key_list(&setup->admin, &keys, &count, &error) != OK)
		return setup_failed(error);
	for (size_t i = 0; i < count; i++) {
		if (!options->account || keys[i].account_id == account.id)
			print_key(&keys[i], options->json);
	}
	return COMMAND_OK;
}

static int token_key_list(int argc, char **argv)
{
	struct options options = { 0 };
	const struct arg_option table[] = {
		{ .name = "account",
		  .letter = 'a',
		  .placeholder = "NAME",
		  .text = &options.account,
		  .meaning = "only this account's" },
		ARG_CONFIG(&options.config),
		ARG_JSON(&options.json),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced token-key list [options]",
		.about = "Prints account, id, state, creation and retirement of each key, no "
			 "secrets.",
		.options = table,
	};

	return setup_run(&spec, argc, argv, &options.config, list, &options);
}

int cmd_token_key(int argc, char **argv)
{
	static const struct command verbs[] = {
		{ "create", token_key_create, "create a key" },
		{ "list", token_key_list, "list all keys" },
	};

	return command_dispatch("bounced token-key", verbs, sizeof(verbs) / sizeof(verbs[0]), argc,
				argv);
}
