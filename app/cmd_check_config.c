/* SPDX-License-Identifier: Apache-2.0 */
/* bounced check-config */
#include <stdio.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/settings.h"
#include "app/setup.h"

static int check(struct setup *setup, const struct args *args, void *context)
{
	const bool *quiet = context;
	struct settings_files files;
	struct slice problem;

	(void)args;
	if (!setup_master_key(setup))
		return COMMAND_FAILED;
	enum err err = settings_read_files(&setup->config, setup->arena, &files, &problem);

	settings_files_done(&files);
	if (err != OK)
		return setup_failed(problem);
	if (!*quiet)
		config_print(&setup->config, stdout);
	return COMMAND_OK;
}

int cmd_check_config(int argc, char **argv)
{
	const char *config = NULL;
	bool quiet = false;
	const struct arg_option table[] = {
		{ .name = "quiet", .letter = 'q', .flag = &quiet, .meaning = "only the exit code" },
		ARG_CONFIG(&config),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced check-config [options]",
		.about =
			"Checks the configuration, the master key, the certificates and the rules, "
			"and prints\n"
			"every setting with its "
			"value and meaning, as a file that could be used again.",
		.options = table,
	};

	return setup_run(&spec, argc, argv, &config, check, &quiet);
}
