/* SPDX-License-Identifier: Apache-2.0 */
/* bounced key create|list|revoke: the keys of the HTTP API */
#include <stdio.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/record.h"
#include "app/setup.h"
#include "core/timestamp.h"

struct options {
	const char *config;
	bool json;
	const char *account;
	const char *name;
	const char *scopes;
	const char *expires;
};

/* Words separated by commas; 0 where one is unknown. */
static unsigned parse_scopes(const char *text)
{
	struct slice rest = slice_from_cstr(text);
	struct slice word;
	unsigned scopes = 0;

	while (slice_next_field(&rest, ',', &word)) {
		unsigned scope = api_scope_from_word(slice_trim(word));

		if (!scope)
			return 0;
		scopes |= scope;
	}
	return scopes;
}

static int create(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	struct admin_api_key_spec spec = {
		.name = slice_from_cstr(options->name),
		.scopes = parse_scopes(options->scopes),
		.expires_at = TIME_NONE,
	};
	struct admin_account account;
	struct slice error;
	struct slice key;

	(void)args;
	if (!options->account)
		return setup_misused("key create: --account is missing");
	if (!spec.scopes)
		return setup_misused(
			"key create: --scopes is a list of read, write, ingest, admin");
	if (options->expires &&
	    !time_parse_rfc3339(slice_from_cstr(options->expires), &spec.expires_at))
		return setup_misused("key create: --expires is a time as in 2026-01-31T00:00:00Z");
	if (!setup_account(setup, options->account, &account))
		return COMMAND_FAILED;
	spec.account_id = account.id;
	if (admin_api_key_create(&setup->admin, &spec, &key, &error) != OK)
		return setup_failed(error);
	printf("%.*s\n", SLICE_ARG(key));
	return COMMAND_OK;
}

static int key_create(int argc, char **argv)
{
	struct options options = { .name = "", .scopes = "read" };
	const struct arg_option table[] = {
		{ .name = "account",
		  .letter = 'a',
		  .placeholder = "NAME",
		  .text = &options.account,
		  .meaning = "whose key it is: name or number" },
		{ .name = "scopes",
		  .placeholder = "LIST",
		  .text = &options.scopes,
		  .meaning = "of read, write, ingest, admin, with commas; default read" },
		{ .name = "name",
		  .placeholder = "TEXT",
		  .text = &options.name,
		  .meaning = "what it is for" },
		{ .name = "expires",
		  .placeholder = "TIME",
		  .text = &options.expires,
		  .meaning = "valid until then (RFC 3339); default for ever" },
		ARG_CONFIG(&options.config),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced key create --account NAME [options]",
		.about =
			"Creates an API key and prints it, this once: only a hash of it is stored.",
		.options = table,
	};

	return setup_run(&spec, argc, argv, &options.config, create, &options);
}

static void print_key(const struct admin_api_key *key, struct arena *arena, bool json)
{
	struct record record;

	record_begin(&record, json);
	record_text(&record, "id", key->id);
	record_number(&record, "account", key->account_id);
	record_text(&record, "scopes", api_scope_words(key->scopes, arena));
	record_text(&record, "name", key->name);
	record_time(&record, "created_at", key->created_at);
	record_time(&record, "expires_at", key->expires_at);
	record_time(&record, "revoked_at", key->revoked_at);
	record_end(&record, stdout);
}

static int list(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	struct admin_api_key *keys;
	struct slice error;
	size_t count;

	(void)args;
	if (admin_api_key_list(&setup->admin, &keys, &count, &error) != OK)
		return setup_failed(error);
	for (size_t i = 0; i < count; i++)
		print_key(&keys[i], setup->arena, options->json);
	return COMMAND_OK;
}

static int key_list(int argc, char **argv)
{
	struct options options = { 0 };
	const struct arg_option table[] = {
		ARG_CONFIG(&options.config),
		ARG_JSON(&options.json),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced key list [options]",
		.about = "Prints id, account, scopes, name, creation, expiry and revocation of "
			 "each key.",
		.options = table,
	};

	return setup_run(&spec, argc, argv, &options.config, list, &options);
}

static int revoke(struct setup *setup, const struct args *args, void *context)
{
	struct slice error;

	(void)context;
	if (admin_api_key_revoke(&setup->admin, slice_from_cstr(args->operands[0]), &error) != OK)
		return setup_failed(error);
	return COMMAND_OK;
}

static int key_revoke(int argc, char **argv)
{
	struct options options = { 0 };
	const struct arg_option table[] = {
		ARG_CONFIG(&options.config),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced key revoke [options] ID",
		.about = "Revokes an API key for good. ID is the middle part of bd_ID_SECRET.",
		.options = table,
		.min_operands = 1,
		.max_operands = 1,
	};

	return setup_run(&spec, argc, argv, &options.config, revoke, &options);
}

int cmd_key(int argc, char **argv)
{
	static const struct command verbs[] = {
		{ "create", key_create, "create an API key" },
		{ "list", key_list, "list all API keys" },
		{ "revoke", key_revoke, "revoke an API key" },
	};

	return command_dispatch("bounced key", verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
