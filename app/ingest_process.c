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

#include "app/directory_cache.h"
#include "app/handover_server.h"
#include "app/pipeline.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/timestamp.h"
#include "ingest/recipient.h"
#include "ingest/server.h"
#include "store/commit.h"

/* Enough for "2.0.0 <report id>", which must outlive the call that says it. */
#define REPLY_TEXT 64
/* After SIGTERM; a little less than the supervisor gives us. */
#define DRAIN_MS 28000

/* A RCPT that waits for a fresh directory. */
struct waiting_rcpt {
	struct waiting_rcpt *next;
	connection_id connection;
	struct slice address; /* behind this struct */
};

struct ingest {
	const struct process_context *context;
	struct event_base *base;
	struct committer *committer;
	struct directory_cache *directory;
	struct pipeline *pipeline;
	struct server *server;
	struct handover_server *handover;
	struct recipient_counters counters;
	struct waiting_rcpt *waiting;
	struct event *signals[3];
	struct event *drain_timer;
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
	const struct smtp_reply *reply = &GO_AHEAD;

	if (!may_take(ingest))
		reply = &DATABASE_AWAY;
	else if (pipeline_bytes(ingest->pipeline) > LIMIT_IN_FLIGHT)
		reply = &TOO_MUCH;
	server_answer(ingest->server, connection, reply);
}

/* -- RCPT -- */

static struct recipient_decision decide(struct ingest *ingest, struct slice address, bool refreshed)
{
	const struct recipient_rules rules = {
		.directory = directory_cache_get(ingest->directory),
		.role_names = slice_from_cstr(ingest->context->config->smtp_role_names),
	};

	return recipient_decide(address, &rules, time_now_ms(), refreshed, &ingest->counters);
}

static void answer_rcpt(struct ingest *ingest, connection_id connection,
			const struct recipient_decision *decision)
{
	if (decision->verdict == RCPT_LATER)
		log_event(LOG_WARNING, "recipient_later",
			  LOG_STR("why", rcpt_outcome_word(decision->outcome)));
	server_answer_rcpt(ingest->server, connection, &decision->reply,
			   decision->verdict == RCPT_ACCEPT ? &decision->recipient : NULL);
}

static void wait_for_directory(struct ingest *ingest, connection_id connection,
			       struct slice address)
{
	struct waiting_rcpt *rcpt = calloc(1, sizeof(*rcpt) + address.len + 1);

	if (rcpt == NULL)
		abort();
	rcpt->connection = connection;
	rcpt->address = slice_from(memcpy(rcpt + 1, address.ptr, address.len), address.len);
	rcpt->next = ingest->waiting;
	ingest->waiting = rcpt;
}

static void on_rcpt(void *context, connection_id connection, struct slice address)
{
	struct ingest *ingest = context;
	struct recipient_decision decision = decide(ingest, address, false);

	if (decision.verdict == RCPT_REFRESH) {
		if (directory_cache_refresh(ingest->directory)) {
			wait_for_directory(ingest, connection, address);
			return;
		}
		decision = decide(ingest, address, true); /* it is fresh already */
	}
	answer_rcpt(ingest, connection, &decision);
}

/* A fresh directory came, or could not be had: those who waited for it get their answer. */
static void on_directory(void *context, bool loaded)
{
	struct ingest *ingest = context;
	struct waiting_rcpt *rcpt = ingest->waiting;

	ingest->waiting = NULL;
	while (rcpt != NULL) {
		struct waiting_rcpt *next = rcpt->next;

		if (loaded) {
			struct recipient_decision decision = decide(ingest, rcpt->address, true);

			answer_rcpt(ingest, rcpt->connection, &decision);
		} else {
			server_answer_rcpt(ingest->server, rcpt->connection, &DATABASE_AWAY, NULL);
		}
		free(rcpt);
		rcpt = next;
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
	    handover_server_count(ingest->handover) == 0)
		event_base_loopbreak(ingest->base);
}

static void on_sessions_done(void *context)
{
	struct ingest *ingest = context;

	ingest->sessions_done = true;
}

static void on_terminate(evutil_socket_t signal_number, short what, void *context)
{
	const struct timeval check = { 0, 20000 };
	const struct timeval limit = { DRAIN_MS / 1000, 0 };
	struct ingest *ingest = context;

	(void)signal_number;
	(void)what;
	if (ingest->drain_timer != NULL)
		return;
	log_event(LOG_INFO, "draining",
		  LOG_INT("sessions", server_connection_count(ingest->server)),
		  LOG_INT("messages", (int64_t)pipeline_count(ingest->pipeline)));
	ingest->drain_timer = event_new(ingest->base, -1, EV_PERSIST, stop_when_drained, ingest);
	if (ingest->drain_timer == NULL || event_add(ingest->drain_timer, &check) != 0)
		abort();
	event_base_loopexit(ingest->base, &limit);
	handover_server_stop(ingest->handover);
	server_shutdown(ingest->server, on_sessions_done, ingest);
}

static void on_reload(evutil_socket_t signal_number, short what, void *context)
{
	struct ingest *ingest = context;

	(void)signal_number;
	(void)what;
	(void)directory_cache_refresh(ingest->directory);
	log_event(LOG_INFO, "reloaded");
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

static void start_server(struct ingest *ingest, struct slice name)
{
	const struct config *config = ingest->context->config;
	struct server_options options = {
		.smtp = smtp_settings_default(),
		.max_connections = (unsigned)config->smtp_max_connections,
	};
	const struct smtp_service service = { ingest, on_mail, on_rcpt, on_message };

	options.smtp.hostname = name;
	options.smtp.message_size = (size_t)config->smtp_size;
	options.smtp.pipelining = config->smtp_pipelining;
	options.smtp.reject_bare_eol = strcmp(config->smtp_bare_eol, "reject") == 0;
	ingest->server = server_new(ingest->base, &options, &service);
	server_listen(ingest->server, ingest->context->listen_fd);
}

static const char *dsn(const struct config *config)
{
	return config->database_ingest_dsn[0] != '\0' ? config->database_ingest_dsn
						      : config->database_dsn;
}

static enum err start(struct ingest *ingest, struct slice name)
{
	const struct process_context *context = ingest->context;

	ingest->base = event_base_new();
	if (ingest->base == NULL)
		abort();
	ingest->committer = committer_new(dsn(context->config), context->slot,
					  context->config->database_allow_unsafe);
	ingest->directory = directory_cache_new(ingest->base, dsn(context->config),
						context->master_key, on_directory, ingest);
	const struct pipeline_options options = {
		.base = ingest->base,
		.committer = ingest->committer,
		.directory = ingest->directory,
		.parsers = (unsigned)context->config->ingest_parsers,
	};

	if (pipeline_new(&options, &ingest->pipeline) != OK)
		return ERR_FATAL;
	start_server(ingest, name);
	ingest->handover = handover_server_new(ingest->base, context->handover_fd,
					       (size_t)context->config->smtp_size, ingest->pipeline,
					       may_take, ingest);
	watch_signal(ingest, 0, SIGTERM, on_terminate);
	watch_signal(ingest, 1, SIGINT, on_terminate);
	watch_signal(ingest, 2, SIGHUP, on_reload);
	return OK;
}

int ingest_process_main(const struct process_context *context)
{
	struct ingest ingest = { .context = context };
	char buffer[256];

	if (start(&ingest, hostname(context->config, buffer, sizeof(buffer))) != OK)
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
	for (unsigned i = 0; i < 3; i++)
		event_free(ingest.signals[i]);
	if (ingest.drain_timer != NULL)
		event_free(ingest.drain_timer);
	handover_server_free(ingest.handover);
	server_free(ingest.server);
	pipeline_free(ingest.pipeline);
	directory_cache_free(ingest.directory);
	committer_free(ingest.committer);
	event_base_free(ingest.base);
	return 0;
}
