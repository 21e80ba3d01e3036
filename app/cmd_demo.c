/* SPDX-License-Identifier: Apache-2.0 */
/* bounced demo */
#include <stdio.h>
#include <time.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/demo.h"
#include "app/demo_messages.h"
#include "app/minting.h"
#include "app/record.h"
#include "app/setup.h"
#include "core/encoding.h"
#include "core/timestamp.h"

#define DEMO_CAMPAIGN  7
#define DEMO_FIRST_REF 1001

struct options {
	const char *config;
	const char *account;
};

static struct slice rfc5322_date(int64_t unix_ms, struct arena *arena)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t seconds = (time_t)(unix_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	return arena_printf(arena, "%s, %d %s %d %02d:%02d:%02d +0000", days[tm.tm_wday],
			    tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
			    tm.tm_sec);
}

/* A return path for the sample's recipient, as the platform would have had it minted. */
static bool mint_return_path(struct setup *setup, struct shared_directory *directory,
			     uint64_t account, size_t index, struct slice *ret_path)
{
	const struct demo_message *message = &DEMO_MESSAGES[index];
	struct token token = {
		.kind = message->kind,
		.account = account,
		.campaign = DEMO_CAMPAIGN,
		.ref = DEMO_FIRST_REF + index,
	};
	struct slice recipient = slice_from_cstr(message->recipient);
	struct slice domain;
	struct slice text;

	if (minting_domain(directory, account, SLICE_NONE, setup->arena, &domain) != OK ||
	    minting_mint(directory, &token, recipient, time_now_ms(), setup->arena, &text) != OK) {
		setup_failed(SLICE("the account needs a bounce domain and a current token key"));
		return false;
	}
	*ret_path = arena_printf(setup->arena, "%.*s@%.*s", SLICE_ARG(text), SLICE_ARG(domain));
	return true;
}

static bool send_all(struct setup *setup, struct shared_directory *directory, uint64_t account,
		     struct demo_session *session)
{
	uint8_t random[6];
	char id[HEX_LEN(sizeof(random))];
	struct demo_values values = {
		.date = rfc5322_date(time_now_ms(), setup->arena),
		.id = slice_from(id, sizeof(id)),
	};

	random_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), id);
	for (size_t i = 0; i < DEMO_MESSAGE_COUNT; i++) {
		if (!mint_return_path(setup, directory, account, i, &values.return_path))
			return false;

		struct slice raw = demo_message_render(&DEMO_MESSAGES[i], &values, setup->arena);
		bool sent = demo_send(session, values.return_path, raw);

		printf("%-38s ", DEMO_MESSAGES[i].title);
		record_print_text(stdout, slice_from_cstr(session->reply));
		putchar('\n');
		if (!sent)
			return false;
	}
	return true;
}

static void print_hints(const struct config *config)
{
	const char *const paths[] = {
		"/v1/events",
		"/v1/suppressions",
		"/v1/suppressions/gone@customer.example",
	};

	puts("\nEach 250 names the report that was committed. See what became of them:\n");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		printf("  curl -s -H \"Authorization: Bearer $(cat var/demo.key)\""
		       " http://127.0.0.1:%d%s\n",
		       (int)config->http_port, paths[i]);
}

static bool run(struct setup *setup, uint64_t account)
{
	const char *dsn = setup_dsn(&setup->config, setup->config.database_owner_dsn);
	struct slice addresses = slice_from_cstr(setup->config.smtp.address);
	struct slice address = SLICE_NONE;
	struct demo_session session;
	bool sent = false;

	(void)slice_next_field(&addresses, ' ', &address);
	if (!demo_open(&session, arena_cstr(setup->arena, address), setup->config.smtp.port)) {
		setup_failed(slice_from_cstr(session.reply));
		return false;
	}

	struct shared_directory *directory = shared_directory_start(dsn, setup->master_key);

	if (directory && shared_directory_wait(directory))
		sent = send_all(setup, directory, account, &session);
	else
		setup_failed(SLICE("the database does not answer"));
	shared_directory_stop(directory);
	demo_close(&session);
	return sent;
}

static int demo(struct setup *setup, const struct args *args, void *context)
{
	const struct options *options = context;
	struct admin_account account;

	(void)args;
	if (!setup_master_key(setup) || !setup_account(setup, options->account, &account) ||
	    !run(setup, account.id))
		return COMMAND_FAILED;
	print_hints(&setup->config);
	return COMMAND_OK;
}

int cmd_demo(int argc, char **argv)
{
	struct options options = { .account = "demo" };
	const struct arg_option table[] = {
		{ .name = "account",
		  .letter = 'a',
		  .placeholder = "NAME",
		  .text = &options.account,
		  .meaning = "for whom; default \"demo\"" },
		ARG_CONFIG(&options.config),
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced demo [options]",
		.about = "Sends a few sample reports by SMTP to the service that runs with the "
			 "same\n"
			 "configuration on this machine, so that there is something to see.",
		.options = table,
	};

	return setup_run(&spec, argc, argv, &options.config, demo, &options);
}
