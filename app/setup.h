/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What most commands begin with: the configuration, and the owner's connection to the database. All
 * functions that can fail say so on stderr themselves.
 */
#ifndef BOUNCED_APP_SETUP_H
#define BOUNCED_APP_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "app/args.h"
#include "core/arena.h"
#include "core/config.h"
#include "core/hash.h"
#include "core/slice.h"
#include "store/admin.h"

struct setup {
	struct arena *arena;
	struct config config;
	struct admin admin; /* admin.pg connects at its first use */
	uint8_t master_key[SECRETBOX_KEY_LEN];
};

/* What config_load() is to read, by --config (NULL: not given) and the environment. */
const char *setup_config_path(const char *option);
/* path: as --config gave it, NULL for the usual places. false: nothing to close. */
bool setup_open(struct setup *setup, const char *path);
void setup_close(struct setup *setup);
/* Fills setup->master_key. */
bool setup_master_key(struct setup *setup);
/* The account that --account names: its name or number. */
bool setup_account(struct setup *setup, const char *name, struct admin_account *ret_account);

/* own: one of config's database_*_dsn; where it is empty, database_dsn stands for it. */
const char *setup_dsn(const struct config *config, const char *own);

/*
 * A whole command: parses argv by spec (whose options may point into *options and at *config),
 * opens the set-up, and returns what body(setup, args, options) does. *config is read after
 * parsing.
 */
typedef int setup_body(struct setup *setup, const struct args *args, void *options);
int setup_run(const struct arg_spec *spec, int argc, char **argv, const char **config,
	      setup_body *body, void *options);

/* "bounced: <error>" on stderr, safe on a terminal; returns COMMAND_FAILED. */
int setup_failed(struct slice error);
/* For arguments that are well-formed options but wrong words; returns COMMAND_USAGE. */
int setup_misused(const char *error);

#endif
