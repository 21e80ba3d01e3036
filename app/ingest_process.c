/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wires the parts of one ingest process together: the SMTP server's questions are answered from the
 * directory cache and by the pipeline. Owns nothing but the wiring; fatal is only what makes the
 * process useless (no parser child can be started).
 */
#include "app/ingest_process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "app/authentication.h"
#include "app/directory_cache.h"
#include "app/handover_server.h"
#include "app/mail_limits.h"
#include "app/mail_listener.h"
#include "app/pipeline.h"
#include "app/submission.h"
#include "core/address.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/timestamp.h"
#include "ingest/recipient.h"
#include "ingest/server.h"
#include "store/commit.h"

/* Enough for "2.0.0 <report id>", which must outlive the call that says it. */
#define REPLY_TEXT 64
#define ERROR_LEN  300
/* After SIGTERM; a little less than the supervisor gives us. */
#define DRAIN_MS 28000
/* That it listens to. */
#define SIGNALS 3
/* Accepting begins when messages can be taken: who connects before waits in the backlog, and is not
 * sent away by a process that only just started. But not for longer than that. */
#define READY_CHECK_MS 10
#define READY_WAIT_MS  2000

/* A RCPT or AUTH that waits for a fresh directory. */
struct waiting {
	struct waiting *next;
	connection_id connection;
	bool auth;
	struct submission_key key; /* of AUTH */
	struct slice address;      /* of RCPT; behind this struct */
};

struct ingest {
	const struct process_context *context;
	struct slice name; /* in the greeting */
	struct event_base *base;
	struct committer *committer;
	struct directory_cache *directory;
	struct authentication_setup *authentication;
	struct pipeline *pipeline;
	struct server *server;
	struct mail_listener listeners[LISTENER_COUNT];
	struct handover_server *handover;
	struct recipient_counters counters;
	struct verification_guard *guard;
	struct mail_limits_trusted trusted;
	struct tls *tls;
	struct transcript *transcript; /* NULL: nobody is traced */
	struct waiting *waiting;
	struct event *signals[SIGNALS];
	struct event *ready_timer; /* until it accepts; NULL then */
	int64_t started_at;
	struct event *drain_timer;
	bool terminating;
	bool sessions_done;
};

static const struct smtp_reply GO_AHEAD = SMTP_REPLY(250, "2.1.0", "OK");
static const struct smtp_reply DATABASE_AWAY =
	SMTP_REPLY(451, "4.3.0", "cannot store messages now, try again later");
static const struct smtp_reply TOO_MUCH =
	SMTP_REPLY(452, "4.3.1", "too much in flight, try again later");
static const struct smtp_reply DATABASE_FULL =
	SMTP_REPLY(452, "4.3.1", "no space to store the message, try again later");

/* -- admission -- */

static bool may_take(void *context)
{
	struct ingest *ingest = context;

	return committer_up(ingest->committer) && directory_cache_get(ingest->directory) != NULL;
}

static void on_mail(void *context, connection_id connection)
{
	struct ingest *ingest = context;
	struct refusal_counters *refusals = peer_limits_refusals(ingest->context->limits);
	const struct smtp_reply *reply = &GO_AHEAD;

	if (!may_take(ingest)) {
		refusal_add(refusals, REFUSED_DATABASE);
		reply = &DATABASE_AWAY;
	} else if (pipeline_bytes(ingest->pipeline) > LIMIT_IN_FLIGHT) {
		refusal_add(refusals, REFUSED_IN_FLIGHT);
		reply = &TOO_MUCH;
	}
	server_answer(ingest->server, connection, reply);
}

/* -- RCPT -- */

static struct recipient_decision decide(struct ingest *ingest, connection_id connection,
					struct slice address, bool refreshed)
{
	const struct recipient_rules rules = {
		.directory = directory_cache_get(ingest->directory),
		.role_names = slice_from_cstr(ingest->context->config->smtp_role_names),
		.guard = ingest->guard,
		.peer = server_peer(ingest->server, connection),
	};

	return recipient_decide(address, &rules, time_now_ms(), refreshed, &ingest->counters);
}

static void answer_rcpt(struct ingest *ingest, connection_id connection, struct slice address,
			const struct recipient_decision *decision)
{
	struct address parts;

	if (decision->alert && address_split(address, &parts))
		log_event(LOG_ERROR, "alert", LOG_STR("alert", "return_paths_do_not_verify"),
			  LOG_SLICE("domain", parts.domain));
	if (decision->verdict == RCPT_LATER)
		log_event(LOG_WARNING, "recipient_later",
			  LOG_STR("why", rcpt_outcome_word(decision->outcome)));
	server_answer_rcpt(ingest->server, connection, &decision->reply,
			   decision->verdict == RCPT_ACCEPT ? &decision->recipient : NULL);
}

static struct waiting *wait_for_directory(struct ingest *ingest, connection_id connection,
					  struct slice address)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting) + address.len + 1);

	if (waiting == NULL)
		abort();
	waiting->connection = connection;
	waiting->address = slice_from(memcpy(waiting + 1, address.ptr, address.len), address.len);
	waiting->next = ingest->waiting;
	ingest->waiting = waiting;
	return waiting;
}

static void on_rcpt(void *context, connection_id connection, struct slice address)
{
	struct ingest *ingest = context;
	struct recipient_decision decision = decide(ingest, connection, address, false);

	if (decision.verdict == RCPT_REFRESH) {
		if (directory_cache_refresh(ingest->directory)) {
			(void)wait_for_directory(ingest, connection, address);
			return;
		}
		decision = decide(ingest, connection, address, true); /* it is fresh already */
	}
	answer_rcpt(ingest, connection, address, &decision);
}

/* -- AUTH -- */

/* false: a fresh directory is wanted first. */
static bool answer_auth(struct ingest *ingest, connection_id connection,
			const struct submission_key *key, bool refreshed)
{
	uint64_t account_id = 0;
	enum submission_verdict verdict = submission_check(
		directory_cache_get(ingest->directory), key, time_now_ms(), refreshed, &account_id);

	if (verdict == SUBMISSION_REFRESH)
		return false;
	server_answer_auth(ingest->server, connection,
			   verdict == SUBMISSION_ACCEPT ? AUTH_ACCEPTED : AUTH_REFUSED, account_id);
	return true;
}

static void on_auth(void *context, connection_id connection, struct sasl_credentials credentials)
{
	struct ingest *ingest = context;
	struct submission_key key;

	if (directory_cache_get(ingest->directory) == NULL) {
		server_answer_auth(ingest->server, connection, AUTH_LATER, 0);
	} else if (!submission_key_read(credentials.password, &key)) {
		server_answer_auth(ingest->server, connection, AUTH_REFUSED, 0);
	} else if (!answer_auth(ingest, connection, &key, false)) {
		if (directory_cache_refresh(ingest->directory)) {
			struct waiting *waiting =
				wait_for_directory(ingest, connection, SLICE_NONE);

			waiting->auth = true;
			waiting->key = key;
		} else {
			(void)answer_auth(ingest, connection, &key, true);
		}
	}
}

static void answer_waiting(struct ingest *ingest, const struct waiting *waiting, bool loaded)
{
	struct recipient_decision decision;

	if (waiting->auth && loaded) {
		(void)answer_auth(ingest, waiting->connection, &waiting->key, true);
	} else if (waiting->auth) {
		server_answer_auth(ingest->server, waiting->connection, AUTH_LATER, 0);
	} else if (loaded) {
		decision = decide(ingest, waiting->connection, waiting->address, true);
		answer_rcpt(ingest, waiting->connection, waiting->address, &decision);
	} else {
		server_answer_rcpt(ingest->server, waiting->connection, &DATABASE_AWAY, NULL);
	}
}

/* A fresh directory came, or could not be had: those who waited for it get their answer. */
static void on_directory(void *context, bool loaded)
{
	struct ingest *ingest = context;
	struct waiting *waiting = ingest->waiting;

	ingest->waiting = NULL;
	while (waiting != NULL) {
		struct waiting *next = waiting->next;

		answer_waiting(ingest, waiting, loaded);
		free(waiting);
		waiting = next;
	}
}

/* -- messages -- */

static void on_message_done(void *context, uint64_t tag, const struct pipeline_result *result)
{
	struct ingest *ingest = context;
	char id[UUID_TEXT_LEN + 1];
	char text[REPLY_TEXT];

	if (result->outcome != COMMIT_DONE) {
		server_answer(ingest->server, tag,
			      result->outcome == COMMIT_NO_SPACE ? &DATABASE_FULL : &DATABASE_AWAY);
		return;
	}
	uuid_format(&result->report_id, id);
	int len = snprintf(text, sizeof(text), "stored as %s", id);
	const struct smtp_reply reply = { 250, "2.0.0", slice_from(text, (size_t)len) };

	server_answer(ingest->server, tag, &reply);
}

static void on_message(void *context, connection_id connection, struct inbound *inbound)
{
	struct ingest *ingest = context;

	pipeline_submit(ingest->pipeline, inbound, on_message_done, ingest, connection);
}

/* -- stopping -- */

static void log_counters(const struct ingest *ingest)
{
	for (unsigned i = 0; i < RCPT_OUTCOME_COUNT; i++)
		if (ingest->counters.count[i] > 0)
			log_event(LOG_INFO, "recipients_counted",
				  LOG_STR("outcome", rcpt_outcome_word((enum rcpt_outcome)i)),
				  LOG_INT("count", (int64_t)ingest->counters.count[i]));
}

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
				tls_loaded(ingest->tls), listener, error, ERROR_LEN))
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
	if (!may_take(ingest) && time_monotonic_ms() - ingest->started_at < READY_WAIT_MS)
		return;
	end_waiting(ingest);
	if (!listen_to_all(ingest, error)) {
		log_event(LOG_ERROR, "cannot_listen", LOG_STR("error", error));
		exit(1);
	}
	ingest->handover = handover_server_new(ingest->base, ingest->context->handover_fd,
					       (size_t)ingest->context->config->smtp_size,
					       ingest->pipeline, may_take, ingest);
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

static bool start_server(struct ingest *ingest, char *error)
{
	const struct config *config = ingest->context->config;
	const struct server_options options = {
		.tls = ingest->tls,
		.transcript = ingest->transcript,
		.max_connections = (unsigned)config->smtp_max_connections,
		.auth_delay_ms = LIMIT_AUTH_DELAY_MS,
		.admission = {
			.limits = ingest->context->limits,
			.process = ingest->context->slot,
			.trusted = ingest->trusted.networks,
			.trusted_count = ingest->trusted.count,
		},
	};
	const struct smtp_service service = { ingest, on_mail, on_rcpt, on_message, on_auth };

	ingest->server = server_new(ingest->base, &options, &service);
	return mail_tls_load(ingest->tls, config, error, ERROR_LEN);
}

static const char *dsn(const struct config *config)
{
	return config->database_ingest_dsn[0] != '\0' ? config->database_ingest_dsn
						      : config->database_dsn;
}

static enum err start_authentication(struct ingest *ingest)
{
	struct arena *arena = arena_new(0);
	struct slice error;
	enum err err = authentication_open(ingest->base, ingest->context->config, arena,
					   &ingest->authentication, &error);

	if (err != OK)
		log_event(LOG_ERROR, "authentication_unusable", LOG_SLICE("error", error));
	arena_free(arena);
	return err;
}

static enum err start(struct ingest *ingest)
{
	const struct process_context *context = ingest->context;
	char error[ERROR_LEN];

	ingest->base = event_base_new();
	if (ingest->base == NULL)
		abort();
	ingest->tls = tls_new();
	if (context->trace_peer != NULL)
		ingest->transcript =
			transcript_new(context->config->smtp_transcript,
				       slice_from_cstr(context->trace_peer), TRANSCRIPT_SIZE);
	ingest->guard = verification_guard_new();
	ingest->committer = committer_new(dsn(context->config), context->slot,
					  context->config->database_allow_unsafe);
	ingest->directory = directory_cache_new(ingest->base, dsn(context->config),
						context->master_key, on_directory, ingest);
	if (start_authentication(ingest) != OK)
		return ERR_FATAL;
	const struct pipeline_options options = {
		.base = ingest->base,
		.committer = ingest->committer,
		.directory = ingest->directory,
		.authenticator = authentication_authenticator(ingest->authentication),
		.parsers = (unsigned)context->config->ingest_parsers,
		.parser = { .rules_fd = context->rules_fd },
	};

	if (pipeline_new(&options, &ingest->pipeline) != OK)
		return ERR_FATAL;
	if (!mail_limits_trusted(context->config, &ingest->trusted, error, sizeof(error)) ||
	    !start_server(ingest, error)) {
		log_event(LOG_ERROR, "cannot_listen", LOG_STR("error", error));
		return ERR_FATAL;
	}
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

	log_counters(&ingest);
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
	handover_server_free(ingest.handover);
	server_free(ingest.server);
	tls_free(ingest.tls);
	transcript_free(ingest.transcript);
	pipeline_free(ingest.pipeline);
	authentication_close(ingest.authentication);
	verification_guard_free(ingest.guard);
	directory_cache_free(ingest.directory);
	committer_free(ingest.committer);
	event_base_free(ingest.base);
	return 0;
}
