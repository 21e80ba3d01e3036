/* SPDX-License-Identifier: Apache-2.0 */
/* bounced serve */
#include <stdio.h>
#include <string.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/mail_listener.h"
#include "app/setup.h"
#include "app/supervisor.h"
#include "core/log.h"
#include "core/network.h"
#include "store/migrate.h"

#define ERROR_LEN 300

struct options {
	const char *config;
	const char *role;
	const char *trace_peer;
	bool check;
	char **argv;
};

struct start {
	struct setup *setup;
	struct supervisor_options run;
};

static bool choose_roles(const char *role, struct supervisor_options *options)
{
	options->ingest = !role || strcmp(role, "ingest") == 0;
	options->api = !role || strcmp(role, "api") == 0;
	options->jobs = !role || strcmp(role, "jobs") == 0;
	return options->ingest || options->api || options->jobs;
}

static bool database_is_fit(struct setup *setup, const char *dsn)
{
	struct pg *pg = pg_new(setup_dsn(&setup->config, dsn), 0);
	struct slice error;
	bool fit = store_check(pg, setup->config.database_allow_unsafe, setup->arena, &error) == OK;

	pg_free(pg);
	if (!fit)
		log_event(LOG_ERROR, "cannot_start", LOG_SLICE("error", error));
	return fit;
}

/* Also by the user that the service has become, who will have to read certificates at a reload. */
static bool mail_can_be_taken(const struct config *config)
{
	char error[ERROR_LEN];
	struct tls *tls = tls_new();
	bool good = mail_listeners_check(config, tls, error, sizeof(error));

	if (!good)
		log_event(LOG_ERROR, "cannot_start", LOG_STR("error", error));
	tls_free(tls);
	return good;
}

/* The database must be fit for the promise that 250 means committed. */
static bool may_start(void *context)
{
	struct start *start = context;
	const struct config *config = &start->setup->config;

	return (!start->run.ingest || mail_can_be_taken(config)) &&
	       (!start->run.ingest || database_is_fit(start->setup, config->database_ingest_dsn)) &&
	       (!start->run.api || database_is_fit(start->setup, config->database_api_dsn)) &&
	       (!start->run.jobs || database_is_fit(start->setup, config->database_jobs_dsn));
}

static int serve(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	struct start start = {
		.setup = setup,
		.run = {
			.config_path = setup_config_path(options->config),
			.argv = options->argv,
			.master_key = setup->master_key,
			.trace_peer = options->trace_peer,
			.may_start = may_start,
			.context = &start,
		},
	};
	enum log_level level = LOG_INFO;
	struct ip_address peer;
	struct slice error;

	(void)args;
	if (!choose_roles(options->role, &start.run))
		return setup_misused("serve: --role is ingest, api or jobs");
	if (options->trace_peer && !ip_parse(slice_from_cstr(options->trace_peer), &peer))
		return setup_misused("serve: --trace-peer wants an IP address");
	if (options->trace_peer && setup->config.smtp_transcript[0] == '\0')
		return setup_misused("serve: --trace-peer wants smtp.transcript to name a file");
	if (!setup_master_key(setup))
		return COMMAND_FAILED;
	(void)log_level_parse(slice_from_cstr(setup->config.log_level), &level);
	log_init("supervisor", 0, level);
	if (settings_load(start.run.config_path, setup->arena, &start.run.settings, &error) != OK)
		return setup_failed(error);
	if (!options->check)
		return supervisor_run(&start.run);
	settings_free(start.run.settings);
	return may_start(&start) ? COMMAND_OK : COMMAND_FAILED;
}

int cmd_serve(int argc, char **argv)
{
	struct options options = { .argv = argv };
	const struct arg_option table[] = {
		{ .name = "role",
		  .placeholder = "ROLE",
		  .text = &options.role,
		  .meaning = "run only this part: ingest, api or jobs" },
		{ .name = "trace-peer",
		  .placeholder = "ADDRESS",
		  .text = &options.trace_peer,
		  .meaning = "write that client's sessions to smtp.transcript" },
		{ .name = "check",
		  .flag = &options.check,
		  .meaning = "only say by the exit code whether it would start" },
		ARG_CONFIG(&options.config),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced serve [options]",
		.about = "Runs the service in the foreground until SIGTERM or SIGINT; it then "
			 "finishes what\n"
			 "is in flight, within 30 seconds. Logs JSON lines to stderr. Never "
			 "migrates.",
		.options = table,
	};

	return setup_run(&spec, argc, argv, &options.config, serve, &options);
}
