/* SPDX-License-Identifier: Apache-2.0 */
/* bounced token mint|decode */
#include <stdio.h>
#include <string.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/minting.h"
#include "app/record.h"
#include "app/setup.h"
#include "core/address.h"
#include "core/timestamp.h"

struct options {
	const char *config;
	bool json;
	const char *account;
	const char *kind;
	const char *ref;
	const char *address;
	const char *domain;
	int64_t campaign;
};

static struct shared_directory *open_directory(struct setup *setup)
{
	const char *dsn = setup_dsn(&setup->config, setup->config.database_owner_dsn);
	struct shared_directory *directory = NULL;

	if (!setup_master_key(setup))
		return NULL;
	directory = shared_directory_start(dsn, setup->master_key);
	if (!directory || !shared_directory_wait(directory)) {
		setup_failed(SLICE("the database does not answer"));
		shared_directory_stop(directory);
		return NULL;
	}
	return directory;
}

/* -- mint -- */

static bool parse_ref(const char *text, struct token *token)
{
	struct slice ref = slice_from_cstr(text);

	token->ref_is_uuid = uuid_parse(ref, &token->ref_uuid);
	return token->ref_is_uuid || slice_to_u64(ref, &token->ref);
}

static int print_minted(struct slice text, struct slice domain, struct arena *arena, bool json)
{
	struct record record;

	record_begin(&record, json);
	if (json)
		record_text(&record, "token", text);
	record_text(&record, "return_path",
		    arena_printf(arena, "%.*s@%.*s", SLICE_ARG(text), SLICE_ARG(domain)));
	record_end(&record, stdout);
	return COMMAND_OK;
}

static int mint_with(struct setup *setup, struct shared_directory *directory, struct token *token,
		     const struct options *options)
{
	struct slice wanted = domain_normalise(setup->arena, slice_from_cstr(options->domain));
	struct slice address = slice_from_cstr(options->address);
	struct slice domain;
	struct slice text;

	if (minting_domain(directory, token->account, wanted, setup->arena, &domain) != OK)
		return setup_failed(SLICE("the account has no such bounce domain"));
	switch (minting_mint(directory, token, address, time_now_ms(), setup->arena, &text)) {
	case OK:
		return print_minted(text, domain, setup->arena, options->json);
	case ERR_MISSING:
		return setup_failed(SLICE("the account has no current token key"));
	case ERR_REFUSE:
		return setup_failed(SLICE("a number is too large for a token"));
	case ERR_RETRY:
	case ERR_FATAL:
		break;
	}
	return setup_failed(SLICE("the database does not answer"));
}

static int mint(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	struct token token = { .campaign = (uint64_t)options->campaign };
	struct shared_directory *directory;
	struct admin_account account;

	(void)args;
	if (!options->account)
		return setup_misused("token mint: --account is missing");
	if (!token_kind_from_word(slice_from_cstr(options->kind), &token.kind))
		return setup_misused(
			"token mint: --kind is bounce, complaint, unsubscribe or probe");
	if (options->ref && !parse_ref(options->ref, &token))
		return setup_misused("token mint: --ref is a number or a UUID");
	if (options->address[0] &&
	    slice_empty(address_normalise(setup->arena, slice_from_cstr(options->address))))
		return setup_misused("token mint: --address is not a mail address");
	if (!setup_account(setup, options->account, &account))
		return COMMAND_FAILED;
	token.account = account.id;
	directory = open_directory(setup);
	if (!directory)
		return COMMAND_FAILED;

	int code = mint_with(setup, directory, &token, options);

	shared_directory_stop(directory);
	return code;
}

static int token_mint_command(int argc, char **argv)
{
	struct options options = { .kind = "bounce", .address = "", .domain = "" };
	const struct arg_option table[] = {
		{ .name = "account",
		  .letter = 'a',
		  .placeholder = "NAME",
		  .text = &options.account,
		  .meaning = "who sends: name or number" },
		{ .name = "ref",
		  .placeholder = "REF",
		  .text = &options.ref,
		  .meaning = "your number or UUID of the recipient or message" },
		{ .name = "address",
		  .placeholder = "ADDRESS",
		  .text = &options.address,
		  .meaning = "whom the mail goes to; the token commits to it" },
		{ .name = "campaign",
		  .placeholder = "NUMBER",
		  .number = &options.campaign,
		  .meaning = "your number of the campaign" },
		{ .name = "kind",
		  .placeholder = "KIND",
		  .text = &options.kind,
		  .meaning = "bounce (default), complaint, unsubscribe or probe" },
		{ .name = "domain",
		  .placeholder = "DOMAIN",
		  .text = &options.domain,
		  .meaning = "one of the account's bounce domains; default its first" },
		ARG_CONFIG(&options.config),
		ARG_JSON(&options.json),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced token mint --account NAME [options]",
		.about =
			"Prints a return path with a token, signed with the account's current key.",
		.options = table,
	};

	return setup_run(&spec, argc, argv, &options.config, mint, &options);
}

/* -- decode -- */

/* A token, a return path, or one that a forwarder has wrapped. */
static bool read_token(struct slice text, struct token *ret_token)
{
	struct address address;

	if (address_split(text, &address))
		text = address.local;
	return token_decode(return_path_unwrap(text), ret_token);
}

static const char *verdict_word(enum token_verdict verdict)
{
	switch (verdict) {
	case TOKEN_VALID:
		return "valid";
	case TOKEN_BAD_MAC:
		return "bad_mac";
	case TOKEN_UNKNOWN_KEY:
		return "unknown_key";
	}
	return "unknown";
}

static void print_decoded(const struct token *token, const char *verdict, struct slice text,
			  struct arena *arena)
{
	struct record record;

	record_begin(&record, true);
	record_text(&record, "token", text);
	record_text(&record, "verdict", slice_from_cstr(verdict));
	if (token) {
		record_text(&record, "kind", slice_from_cstr(token_kind_word(token->kind)));
		record_number(&record, "account", token->account);
		record_number(&record, "key", token->key_id);
		record_time(&record, "issued",
			    TOKEN_EPOCH_MS + (int64_t)token->issue_day * TIME_DAY_MS);
		record_number(&record, "campaign", token->campaign);
		record_text(&record, "ref", token_ref_text(token, arena));
		record_bool(&record, "commitment", token->has_commitment);
	}
	record_end(&record, stdout);
}

static int decode_one(struct shared_directory *directory, const char *text, struct arena *arena)
{
	struct slice slice = slice_from_cstr(text);
	enum token_verdict verdict;
	struct token token;

	if (!read_token(slice, &token)) {
		print_decoded(NULL, "malformed", slice, arena);
		return COMMAND_FAILED;
	}
	if (minting_verify(directory, &token, &verdict) != OK)
		return setup_failed(SLICE("the database does not answer"));
	print_decoded(&token, verdict_word(verdict), slice, arena);
	return verdict == TOKEN_VALID ? COMMAND_OK : COMMAND_FAILED;
}

static int decode(struct setup *setup, const struct args *args, void *context)
{
	struct shared_directory *directory = open_directory(setup);
	int code = COMMAND_OK;

	(void)context;
	if (!directory)
		return COMMAND_FAILED;
	for (int i = 0; i < args->count; i++) {
		if (decode_one(directory, args->operands[i], setup->arena) != COMMAND_OK)
			code = COMMAND_FAILED;
	}
	shared_directory_stop(directory);
	return code;
}

static int token_decode_command(int argc, char **argv)
{
	const char *config = NULL;
	const struct arg_option table[] = {
		ARG_CONFIG(&config),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced token decode [options] TOKEN…",
		.about = "Says as JSON what tokens or return paths hold and whether their "
			 "signature is\n"
			 "right. Exit code 1 where one is not valid.",
		.options = table,
		.min_operands = 1,
		.max_operands = -1,
	};

	return setup_run(&spec, argc, argv, &config, decode, NULL);
}

int cmd_token(int argc, char **argv)
{
	static const struct command verbs[] = {
		{ "mint", token_mint_command, "make a return path with a token" },
		{ "decode", token_decode_command, "say what a token holds" },
	};

	return command_dispatch("bounced token", verbs, sizeof(verbs) / sizeof(verbs[0]), argc,
				argv);
}
