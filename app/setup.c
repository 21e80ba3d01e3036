/* SPDX-License-Identifier: Apache-2.0 */
#include "app/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands.h"
#include "app/master_key.h"
#include "app/record.h"

/* An administrator waits for a lock rather than for ever. */
#define STATEMENT_TIMEOUT_MS 60000

const char *setup_dsn(const struct config *config, const char *own)
{
	return own[0] ? own : config->database_dsn;
}

int setup_failed(struct slice error)
{
	fputs("bounced: ", stderr);
	record_print_text(stderr, error);
	fputc('\n', stderr);
	return COMMAND_FAILED;
}

int setup_misused(const char *error)
{
	fprintf(stderr, "bounced: %s\n", error);
	return COMMAND_USAGE;
}

const char *setup_config_path(const char *option)
{
	return option ? option : getenv(COMMAND_CONFIG_VARIABLE);
}

bool setup_open(struct setup *setup, const char *path)
{
	struct slice error;

	*setup = (struct setup){ .arena = arena_new(0) };
	if (config_load(setup_config_path(path), setup->arena, &setup->config, &error) != OK) {
		setup_failed(error);
		arena_free(setup->arena);
		return false;
	}
	setup->admin.arena = setup->arena;
	setup->admin.pg = pg_new(setup_dsn(&setup->config, setup->config.database_owner_dsn),
				 STATEMENT_TIMEOUT_MS);
	return true;
}

void setup_close(struct setup *setup)
{
	explicit_bzero(setup->master_key, sizeof(setup->master_key));
	pg_free(setup->admin.pg);
	arena_free(setup->arena);
}

bool setup_master_key(struct setup *setup)
{
	char error[300];

	if (master_key_load(&setup->config, setup->master_key, error, sizeof(error)))
		return true;
	setup_failed(slice_from_cstr(error));
	return false;
}

bool setup_account(struct setup *setup, const char *name, struct admin_account *ret_account)
{
	struct slice error;

	if (admin_account_find(&setup->admin, slice_from_cstr(name), ret_account, &error) == OK)
		return true;
	setup_failed(error);
	return false;
}

int setup_run(const struct arg_spec *spec, int argc, char **argv, const char **config,
	      setup_body *body, void *options)
{
	struct args args;
	struct setup setup;
	int code = args_take(spec, argc, argv, &args);

	if (code >= 0)
		return code;
	if (!setup_open(&setup, *config))
		return COMMAND_FAILED;
	code = body(&setup, &args, options);
	setup_close(&setup);
	return code;
}
