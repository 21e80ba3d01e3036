/* SPDX-License-Identifier: Apache-2.0 */
/* bounced migrate */
#include <stdio.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/setup.h"
#include "core/timestamp.h"
#include "store/migrate.h"

static int migrate(struct setup *setup, const struct args *args, void *context)
{
	struct slice error;
	unsigned applied;

	(void)args;
	(void)context;
	if (store_migrate(setup->admin.pg, time_now_ms(), setup->arena, &applied, &error) != OK)
		return setup_failed(error);
	if (applied > 0)
		printf("migrations applied: %u\n", applied);
	else
		puts("the schema is up to date");
	return COMMAND_OK;
}

int cmd_migrate(int argc, char **argv)
{
	const char *config = NULL;
	const struct arg_option table[] = {
		ARG_CONFIG(&config),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced migrate [options]",
		.about = "Brings the database schema up to date, as database.owner_dsn. Run it "
			 "before\n"
			 "starting a new version; `serve` refuses a schema that is not its own.",
		.options = table,
	};

	return setup_run(&spec, argc, argv, &config, migrate, NULL);
}
