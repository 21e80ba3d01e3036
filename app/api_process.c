/* SPDX-License-Identifier: Apache-2.0 */
#include "app/api_process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/server.h"
#include "api/service.h"
#include "app/api_parsers.h"
#include "app/handover.h"
#include "app/minting.h"
#include "app/setup.h"
#include "app/shared_directory.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/timestamp.h"

/* The ingest process answers within LIMIT_REPLY_MS; a little for the way there and back. */
#define SUBMIT_TIMEOUT_MS (LIMIT_REPLY_MS + 2000)
#define RETIRED_CHECK_MS  50

struct api_context {
	struct shared_directory *directory;
	struct api_parsers *parsers;
	int handover_fd;
};

static enum err parse(void *context, struct slice raw, bool explain, struct arena *arena,
		      struct report *ret_report)
{
	const struct api_context *api = context;

	return api_parsers_parse(api->parsers, raw, explain, arena, ret_report);
}

static enum err submit(void *context, const struct api_submission *submission, struct arena *arena,
		       struct api_receipt *ret_receipt)
{
	const struct api_context *api = context;
	const struct handover_request request = {
		.account_id = submission->account_id,
		.peer = submission->peer,
		.raw = submission->raw,
	};
	struct handover_reply reply;

	(void)arena;
	if (api->handover_fd < 0 ||
	    handover_submit(api->handover_fd, &request, SUBMIT_TIMEOUT_MS, &reply) != OK ||
	    reply.outcome != HANDOVER_STORED)
		return ERR_RETRY;
	ret_receipt->report_id = reply.report_id;
	ret_receipt->duplicate = reply.duplicate;
	return OK;
}

static enum err bounce_domain(void *context, uint64_t account_id, struct slice wanted,
			      struct arena *arena, struct slice *ret_domain)
{
	const struct api_context *api = context;

	return minting_domain(api->directory, account_id, wanted, arena, ret_domain);
}

static enum err mint(void *context, struct token *token, struct slice address, struct arena *arena,
		     struct slice *ret_text)
{
	const struct api_context *api = context;

	return minting_mint(api->directory, token, address, time_now_ms(), arena, ret_text);
}

static enum err verify(void *context, const struct token *token, enum token_verdict *ret_verdict)
{
	const struct api_context *api = context;

	return minting_verify(api->directory, token, ret_verdict);
}

/* Cursors need a key that is the same on every host and that nobody else knows. */
static void derive_cursor_key(const uint8_t *master_key, uint8_t ret_key[CURSOR_KEY_LEN])
{
	hmac_sha256(slice_from((const char *)master_key, SECRETBOX_KEY_LEN),
		    SLICE("bounced/cursor/1"), ret_key);
}

static int listen_fd(const struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++)
		if (listeners->sockets[i].listener == LISTENER_HTTP)
			return listeners->sockets[i].fd;
	abort();
}

static struct api_server *start_server(const struct process_context *context,
				       const struct api_service *service)
{
	struct api_options options = {
		.listen_fd = listen_fd(context->listeners),
		.threads = (unsigned)context->config->http_threads,
		.dsn = setup_dsn(context->config, context->config->database_api_dsn),
		.message_max = (size_t)context->config->smtp_size,
		.service = service,
	};

	derive_cursor_key(context->master_key, options.cursor_key);
	return api_server_start(&options);
}

/* Until SIGTERM or SIGINT, or SIGUSR1 and the end of the last connection. The threads have these
 * signals blocked, as has this one. */
static void wait_for_end(const sigset_t *signals, struct api_server *server)
{
	const struct timespec pause = { .tv_nsec = RETIRED_CHECK_MS * 1000000 };
	int number = 0;

	while (sigwait(signals, &number) != 0)
		;
	if (number != SIGUSR1)
		return;
	api_server_retire(server);
	log_event(LOG_INFO, "draining", LOG_INT("connections", api_server_connections(server)));
	do {
		number = sigtimedwait(signals, NULL, &pause);
	} while (number != SIGTERM && number != SIGINT && api_server_connections(server) > 0);
}

int api_process_main(const struct process_context *context)
{
	const char *dsn = setup_dsn(context->config, context->config->database_api_dsn);
	struct api_context api = { .handover_fd = context->handover_fd };
	const struct api_service service = {
		.context = &api,
		.parse = parse,
		.submit = submit,
		.bounce_domain = bounce_domain,
		.mint = mint,
		.verify = verify,
	};
	struct api_server *server = NULL;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);

	api.directory = shared_directory_start(dsn, context->master_key);
	api.parsers = api_parsers_new((unsigned)context->config->ingest_parsers,
				      context->files->rules_fd);
	if (api.directory)
		server = start_server(context, &service);
	if (server)
		wait_for_end(&signals, server);
	else
		log_event(LOG_ERROR, "api_not_started", LOG_STR("error", strerror(errno)));
	api_server_stop(server);
	api_parsers_free(api.parsers);
	shared_directory_stop(api.directory);
	return server ? 0 : 1;
}
