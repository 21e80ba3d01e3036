/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wires the parts of one ingest process together, and ends them. Owns nothing but the wiring; fatal
 * is only what makes the process useless (no parser child can be started).
 */
#include "app/ingest_process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "app/authentication.h"
#include "app/directory_cache.h"
#include "app/handover_server.h"
#include "app/mail_limits.h"
#include "app/mail_listener.h"
#include "app/mail_service.h"
#include "app/pipeline.h"
#include "app/screening.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/timestamp.h"
#include "ingest/server.h"
#include "store/commit.h"

#define ERROR_LEN 300
/* After SIGTERM; a little less than the supervisor gives us. */
#define DRAIN_MS 28000
/* That it listens to. */
#define SIGNALS 3
/* Accepting begins when messages can be taken: who connects before waits in the backlog, and is not
 * sent away by a process that only just started. But not for longer than that. */
#define READY_CHECK_MS 10
#define READY_WAIT_MS  2000

struct ingest {
	const struct process_context *context;
	struct slice name; /* in the greeting */
	struct event_base *base;
	struct committer *committer;
	struct directory_cache *directory;
	struct authentication_setup *authentication;
	struct in_flight in_flight;
	struct pipeline *pipeline;
	struct mail_service service;
	struct server *server;
	struct mail_listener listeners[LISTENER_COUNT];
	struct handover_server *handover;
	struct verification_guard *guard;
	struct mail_limits_trusted trusted;
	struct screening screening;
	struct block_lists *block_lists; /* NULL: none */
	struct transcript *transcript;   /* NULL: nobody is traced */
	struct event *signals[SIGNALS];
	struct event *ready_timer; /* until it accepts; NULL then */
	int64_t started_at;
	struct event *drain_timer;
	bool terminating;
	bool sessions_done;
};

/* -- stopping -- */

static void stop_when_drained(evutil_socket_t fd, short what, void *context)
{
	struct ingest *ingest = context;

	(void)fd;
	(void)what;
	if (ingest->sessions_done && pipeline_count(ingest->pipeline) == 0 &&
	    (ingest->handover == NULL || handover_server_count(ingest->handover) == 0))
		event_base_loopbreak(ingest->base);
}

static void on_sessions_done(void *context)
{
	struct ingest *ingest = context;

	ingest->sessions_done = true;
}

static void end_waiting(struct ingest *ingest)
{
	if (ingest->ready_timer != NULL)
		event_free(ingest->ready_timer);
	ingest->ready_timer = NULL;
}

static void begin_draining(struct ingest *ingest)
{
	const struct timeval check = { 0, 20000 };

	log_event(LOG_INFO, "draining",
		  LOG_INT("sessions", server_connection_count(ingest->server)),
		  LOG_INT("messages", (int64_t)pipeline_count(ingest->pipeline)));
	if (ingest->drain_timer != NULL)
		return;
	ingest->drain_timer = event_new(ingest->base, -1, EV_PERSIST, stop_when_drained, ingest);
	if (ingest->drain_timer == NULL || event_add(ingest->drain_timer, &check) != 0)
		abort();
	end_waiting(ingest);
	if (ingest->handover != NULL)
		handover_server_stop(ingest->handover);
}

static void on_terminate(evutil_socket_t signal_number, short what, void *context)
{
	const struct timeval limit = { DRAIN_MS / 1000, 0 };
	struct ingest *ingest = context;

	(void)signal_number;
	(void)what;
	if (ingest->terminating)
		return;
	ingest->terminating = true;
	server_shutdown(ingest->server, on_sessions_done, ingest);
	begin_draining(ingest);
	event_base_loopexit(ingest->base, &limit);
}

/* Another process has taken over. */
static void on_retire(evutil_socket_t signal_number, short what, void *context)
{
	struct ingest *ingest = context;

	(void)signal_number;
	(void)what;
	if (ingest->drain_timer != NULL)
		return;
	server_retire(ingest->server, on_sessions_done, ingest);
	begin_draining(ingest);
}

static void watch_signal(struct ingest *ingest, unsigned slot, int number,
			 event_callback_fn callback)
{
	ingest->signals[slot] = evsignal_new(ingest->base, number, callback, ingest);
	if (ingest->signals[slot] == NULL || event_add(ingest->signals[slot], NULL) != 0)
		abort();
}

/* -- starting -- */

static struct slice hostname(const struct config *config, char *buffer, size_t size)
{
	if (config->smtp_hostname[0] != '\0')
		return slice_from_cstr(config->smtp_hostname);
	if (gethostname(buffer, size) != 0 || buffer[0] == '\0')
		return SLICE("localhost");
	buffer[size - 1] = '\0';
	return slice_from_cstr(buffer);
}

static bool listen_to(struct ingest *ingest, const struct listener_socket *socket,
		      struct slice name, char *error)
{
	struct mail_listener *listener = &ingest->listeners[socket->listener];

	if (!mail_listener_make(ingest->context->config, socket->listener, name,
				tls_loaded(ingest->context->files->tls), listener, error,
				ERROR_LEN))
		return false;
	server_listen(ingest->server, socket->fd, &listener->options);
	return true;
}

static bool listen_to_all(struct ingest *ingest, char *error)
{
	const struct listeners *listeners = ingest->context->listeners;

	for (size_t i = 0; i < listeners->count; i++)
		if (listener_is_of_ingest(&listeners->sockets[i], ingest->context->slot) &&
		    !listen_to(ingest, &listeners->sockets[i], ingest->name, error))
			return false;
	return true;
}

static void on_ready_check(evutil_socket_t fd, short what, void *context)
{
	struct ingest *ingest = context;
	char error[ERROR_LEN];

	(void)fd;
	(void)what;
	if (!mail_service_may_take(&ingest->service) &&
	    time_monotonic_ms() - ingest->started_at < READY_WAIT_MS)
		return;
	end_waiting(ingest);
	if (!listen_to_all(ingest, error)) {
		log_event(LOG_ERROR, "cannot_listen", LOG_STR("error", error));
		exit(1);
	}
	ingest->handover =
		handover_server_new(ingest->base, ingest->context->handover_fd,
				    (size_t)ingest->context->config->smtp_size, ingest->pipeline,
				    mail_service_may_take, &ingest->service);
	log_event(LOG_INFO, "accepting");
}

static void wait_until_ready(struct ingest *ingest)
{
	const struct timeval check = { 0, READY_CHECK_MS * 1000 };

	ingest->started_at = time_monotonic_ms();
	ingest->ready_timer = event_new(ingest->base, -1, EV_PERSIST, on_ready_check, ingest);
	if (ingest->ready_timer == NULL || event_add(ingest->ready_timer, &check) != 0)
		abort();
}

static void start_server(struct ingest *ingest)
{
	const struct config *config = ingest->context->config;
	const struct server_options options = {
		.tls = ingest->context->files->tls,
		.transcript = ingest->transcript,
		.in_flight = &ingest->in_flight,
		.max_connections = (unsigned)config->smtp_max_connections,
		.auth_delay_ms = LIMIT_AUTH_DELAY_MS,
		.admission = {
			.limits = ingest->context->limits,
			.seat = ingest->context->seat,
			.trusted = ingest->trusted.networks,
			.trusted_count = ingest->trusted.count,
		},
	};
	const struct smtp_service service = mail_service_questions(&ingest->service);

	ingest->server = server_new(ingest->base, &options, &service);
	ingest->service = (struct mail_service){
		.config = config,
		.refusals = peer_limits_refusals(ingest->context->limits),
		.committer = ingest->committer,
		.directory = ingest->directory,
		.pipeline = ingest->pipeline,
		.server = ingest->server,
		.guard = ingest->guard,
		.block_lists = ingest->block_lists,
	};
}

static const char *dsn(const struct config *config)
{
	return config->database_ingest_dsn[0] != '\0' ? config->database_ingest_dsn
						      : config->database_dsn;
}

static enum err start_authentication(struct ingest *ingest)
{
	const struct process_context *context = ingest->context;
	struct slice error;
	enum err err = authentication_open(ingest->base, context->config, context->files->reporters,
					   &ingest->authentication, &error);

	if (err != OK)
		log_event(LOG_ERROR, "authentication_unusable", LOG_SLICE("error", error));
	return err;
}

static bool start_screening(struct ingest *ingest, char *error)
{
	const struct config *config = ingest->context->config;

	if (!screening_read(config, &ingest->screening, error, ERROR_LEN))
		return false;
	ingest->block_lists = screening_start(&ingest->screening, config, ingest->base,
					      authentication_resolver(ingest->authentication));
	return true;
}

/* libevent's memory. It would go on without an event for which there was none, and a connection
 * would wait for ever. */
static void *allocate(size_t size)
{
	void *memory = malloc(size);

	if (memory == NULL && size > 0)
		abort();
	return memory;
}

static void *reallocate(void *memory, size_t size)
{
	void *moved = realloc(memory, size);

	if (moved == NULL && size > 0)
		abort();
	return moved;
}

static enum err start(struct ingest *ingest)
{
	const struct process_context *context = ingest->context;
	char error[ERROR_LEN];

	event_set_mem_functions(allocate, reallocate, free);
	ingest->base = event_base_new();
	if (ingest->base == NULL)
		abort();
	ingest->in_flight.max = LIMIT_IN_FLIGHT;
	ingest->in_flight.share = LIMIT_IN_FLIGHT_SHARE;
	if (context->trace_peer != NULL)
		ingest->transcript =
			transcript_new(context->config->smtp_transcript,
				       slice_from_cstr(context->trace_peer), TRANSCRIPT_SIZE);
	ingest->guard = verification_guard_new();
	ingest->committer = committer_new(dsn(context->config), context->slot,
					  context->config->database_allow_unsafe);
	ingest->directory =
		directory_cache_new(ingest->base, dsn(context->config), context->master_key,
				    mail_service_on_directory, &ingest->service);
	if (start_authentication(ingest) != OK)
		return ERR_FATAL;
	const struct pipeline_options options = {
		.base = ingest->base,
		.committer = ingest->committer,
		.directory = ingest->directory,
		.authenticator = authentication_authenticator(ingest->authentication),
		.in_flight = &ingest->in_flight,
		.parsers = (unsigned)context->config->ingest_parsers,
		.parser = { .rules_fd = context->files->rules_fd },
	};

	if (pipeline_new(&options, &ingest->pipeline) != OK)
		return ERR_FATAL;
	if (!mail_limits_trusted(context->config, &ingest->trusted, error, sizeof(error)) ||
	    !start_screening(ingest, error)) {
		log_event(LOG_ERROR, "cannot_listen", LOG_STR("error", error));
		return ERR_FATAL;
	}
	start_server(ingest);
	wait_until_ready(ingest);
	watch_signal(ingest, 0, SIGTERM, on_terminate);
	watch_signal(ingest, 1, SIGINT, on_terminate);
	watch_signal(ingest, 2, SIGUSR1, on_retire);
	return OK;
}

int ingest_process_main(const struct process_context *context)
{
	char buffer[256];
	struct ingest ingest = {
		.context = context,
		.name = hostname(context->config, buffer, sizeof(buffer)),
	};

	if (start(&ingest) != OK)
		return 1;
	log_event(LOG_INFO, "ingest_started");
	event_base_dispatch(ingest.base);

	bool drained = pipeline_count(ingest.pipeline) == 0;

	mail_service_log_counters(&ingest.service);
	log_event(LOG_INFO, "ingest_stopped",
		  LOG_INT("unfinished", (int64_t)pipeline_count(ingest.pipeline)));
	/* What did not finish in time was not answered 250; the process ends, and the kernel frees.
	 */
	if (!drained)
		return 1;
	for (unsigned i = 0; i < SIGNALS; i++)
		event_free(ingest.signals[i]);
	if (ingest.drain_timer != NULL)
		event_free(ingest.drain_timer);
	block_lists_free(ingest.block_lists);
	handover_server_free(ingest.handover);
	server_free(ingest.server);
	transcript_free(ingest.transcript);
	pipeline_free(ingest.pipeline);
	authentication_close(ingest.authentication);
	verification_guard_free(ingest.guard);
	directory_cache_free(ingest.directory);
	committer_free(ingest.committer);
	event_base_free(ingest.base);
	return 0;
}
