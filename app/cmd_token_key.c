/* SPDX-License-Identifier: Apache-2.0 */
/* bounced token-key create|activate|retire|revoke|export|list: the keys that sign tokens */
#include <stdio.h>
#include <string.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/record.h"
#include "app/setup.h"
#include "core/encoding.h"

struct options {
	const char *config;
	bool json;
	const char *account;
	bool force;
};

#define ARG_ACCOUNT(target)                                                                \
	{                                                                                  \
		.name = "account", .letter = 'a', .placeholder = "NAME", .text = (target), \
		.meaning = "whose key it is: name or number"                               \
	}

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

/* -- one key's life -- */

/* The key that --account and the operand name. Otherwise the exit code is in *ret_code. */
static bool take_place(struct setup *setup, const struct args *args, const struct options *options,
		       struct token_key_place *ret_place, int *ret_code)
{
	struct admin_account account;
	uint64_t id;

	if (!options->account) {
		*ret_code = setup_misused("--account is missing");
		return false;
	}
	if (!slice_to_u64(slice_from_cstr(args->operands[0]), &id) || id > UINT8_MAX) {
		*ret_code = setup_misused("a key's id is a number from 0 to 255");
		return false;
	}
	if (!setup_account(setup, options->account, &account)) {
		*ret_code = COMMAND_FAILED;
		return false;
	}
	*ret_place = (struct token_key_place){ account.id, (uint8_t)id };
	return true;
}

static int activate(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	struct token_key_place place;
	struct admin_token_key key;
	struct slice error;
	int code;

	if (!take_place(setup, args, options, &place, &code))
		return code;
	if (admin_token_key_activate(&setup->admin, place, options->force, &key, &error) != OK)
		return setup_failed(error);
	print_key(&key, options->json);
	return COMMAND_OK;
}

static int token_key_activate(int argc, char **argv)
{
	struct options options = { 0 };
	const struct arg_option table[] = {
		ARG_ACCOUNT(&options.account),
		{ .name = "force",
		  .flag = &options.force,
		  .meaning = "though ingest processes do not know the key yet" },
		ARG_CONFIG(&options.config),
		ARG_JSON(&options.json),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced token-key activate --account NAME [options] KEY",
		.about = "Makes the next key current and retires the one before. Refused until "
			 "every\n"
			 "ingest process has loaded it, which takes some seconds.",
		.options = table,
		.min_operands = 1,
		.max_operands = 1,
	};

	return setup_run(&spec, argc, argv, &options.config, activate, &options);
}

static int retire(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	struct token_key_place place;
	struct admin_token_key key;
	struct slice error;
	int code;

	if (!take_place(setup, args, options, &place, &code))
		return code;
	if (admin_token_key_retire(&setup->admin, place, &key, &error) != OK)
		return setup_failed(error);
	print_key(&key, options->json);
	return COMMAND_OK;
}

static int revoke(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	struct token_key_place place;
	struct admin_token_key key;
	struct slice error;
	int code;

	if (!take_place(setup, args, options, &place, &code))
		return code;
	if (admin_token_key_revoke(&setup->admin, place, &key, &error) != OK)
		return setup_failed(error);
	print_key(&key, options->json);
	return COMMAND_OK;
}

static int export(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	char hex[HEX_LEN(TOKEN_KEY_LEN)], base64[BASE64URL_LEN(TOKEN_KEY_LEN)];
	uint8_t secret[TOKEN_KEY_LEN];
	struct token_key_place place;
	struct admin_token_key key;
	struct record record;
	struct slice error;
	int code;

	if (!take_place(setup, args, options, &place, &code))
		return code;
	if (!setup_master_key(setup))
		return COMMAND_FAILED;
	if (admin_token_key_export(&setup->admin, place, setup->master_key, &key, secret, &error) !=
	    OK)
		return setup_failed(error);
	record_begin(&record, options->json);
	record_number(&record, "account", key.account_id);
	record_number(&record, "id", key.key_id);
	record_text(&record, "state", slice_from_cstr(token_key_state_word(key.state)));
	record_text(&record, "hex", slice_from(hex, hex_encode(secret, sizeof(secret), hex)));
	record_text(&record, "base64url",
		    slice_from(base64, base64url_encode(secret, sizeof(secret), base64)));
	record_end(&record, stdout);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(hex, sizeof(hex));
	explicit_bzero(base64, sizeof(base64));
	return COMMAND_OK;
}

/* What retire, revoke and export have in common. */
static int run_on_key(int argc, char **argv, const char *usage, const char *about, setup_body *body)
{
	struct options options = { 0 };
	const struct arg_option table[] = {
		ARG_ACCOUNT(&options.account),
		ARG_CONFIG(&options.config),
		ARG_JSON(&options.json),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = usage,
		.about = about,
		.options = table,
		.min_operands = 1,
		.max_operands = 1,
	};

	return setup_run(&spec, argc, argv, &options.config, body, &options);
}

static int token_key_retire(int argc, char **argv)
{
	return run_on_key(argc, argv, "bounced token-key retire --account NAME [options] KEY",
			  "The key signs no more. Its tokens are verified for 400 days.", retire);
}

static int token_key_revoke(int argc, char **argv)
{
	return run_on_key(
		argc, argv, "bounced token-key revoke --account NAME [options] KEY",
		"The key is worth nothing any more, and neither are its tokens. There is no\n"
		"way back.",
		revoke);
}

static int token_key_export(int argc, char **argv)
{
	return run_on_key(
		argc, argv, "bounced token-key export --account NAME [options] KEY",
		"Prints the secret in hexadecimal and base64url, for a platform that mints its\n"
		"tokens itself.",
		export);
}

int cmd_token_key(int argc, char **argv)
{
	static const struct command verbs[] = {
		{ "create", token_key_create, "create a key" },
		{ "activate", token_key_activate, "sign with the next key" },
		{ "retire", token_key_retire, "sign no more with a key" },
		{ "revoke", token_key_revoke, "make a key worthless" },
		{ "export", token_key_export, "print a key's secret" },
		{ "list", token_key_list, "list all keys" },
	};

	return command_dispatch("bounced token-key", verbs, sizeof(verbs) / sizeof(verbs[0]), argc,
				argv);
}
