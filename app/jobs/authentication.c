/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feedback reports of which DNS could not say who sent them, from their raw messages: the way of a
 * message through ingest once more, with more patience, and with the effects that the same code and
 * the same statements give it (store/pending.h). What stays unknown is left to a later attempt.
 */
#include "app/jobs/jobs.h"

#include <stdlib.h>

#include <event2/event.h>

#include "app/api_parsers.h"
#include "app/authentication.h"
#include "app/setup.h"
#include "app/shared_directory.h"
#include "core/limits.h"
#include "core/log.h"
#include "ingest/attribute.h"
#include "ingest/recipient.h"
#include "store/pending.h"
#include "store/report_query.h"

/* Reports of one run, asked about at the same time. */
#define BATCH 16
/* Nobody waits for the reply. */
#define PATIENCE 5

/* Between the attempts, in units of jobs.retry_ms. */
static const int64_t WAITS[] = { 1, 5, 15, 30, 60 };
#define WAIT_COUNT (sizeof(WAITS) / sizeof(WAITS[0]))

/* One report. */
struct again {
	struct pending_report pending;
	struct arena *arena;
	struct inbound *inbound; /* NULL: its message could not be had this time */
	struct report report;
	struct report_row row;
	const struct authentication *found;
	size_t *unfinished;
};

struct batch {
	struct jobs *jobs;
	struct again *items;
	size_t count;
};

/* What one report cannot do must not keep the others from it; without a database nobody can go on.
 */
static enum err go_on(const struct jobs *jobs, enum err err)
{
	if (err == OK || err == ERR_RETRY)
		return err;
	log_event(LOG_ERROR, "report_not_authenticated", LOG_STR("error", pg_error(jobs->pg)));
	return OK;
}

/* -- its message -- */

static enum err read_message(struct jobs *jobs, struct again *again)
{
	const struct pending_report *pending = &again->pending;
	struct inbound *inbound;
	enum err err = report_get(jobs->pg, pending->account_id, &pending->report_id, again->arena,
				  &again->row);

	if (err != OK)
		return err;
	inbound = inbound_new((size_t)again->row.size);
	again->inbound = inbound;
	inbound->received_at = again->row.received_at;
	inbound->source = again->row.source;
	inbound->peer = again->row.peer;
	inbound->helo = again->row.helo;
	inbound->tls = again->row.tls;
	inbound->mail_from = again->row.mail_from;
	return report_raw_get(jobs->pg, pending->account_id, &pending->report_id, again->arena,
			      &inbound->raw);
}

static void drop_message(struct again *again)
{
	inbound_free(again->inbound);
	again->inbound = NULL;
}

/* What cannot be read now may be at the next attempt, unless it is gone. */
static enum err prepare(struct jobs *jobs, struct api_parsers *parsers, struct again *again)
{
	enum err err = read_message(jobs, again);

	if (err == OK && api_parsers_parse(parsers, buf_slice(&again->inbound->raw), false,
					   again->arena, &again->report) == OK)
		return OK;
	drop_message(again);
	if (err == ERR_MISSING)
		return pending_forget(jobs->pg, &again->pending);
	return err;
}

static enum err prepare_all(struct batch *batch)
{
	struct jobs *jobs = batch->jobs;
	struct api_parsers *parsers = api_parsers_new(1, jobs->context->files->rules_fd);
	enum err err = OK;

	for (size_t i = 0; i < batch->count && err == OK && !job_should_end(); i++)
		err = go_on(jobs, prepare(jobs, parsers, &batch->items[i]));
	api_parsers_free(parsers);
	return err;
}

/* -- who sent it -- */

static void on_authenticated(void *context, const struct authentication *authentication)
{
	struct again *again = context;

	again->found = authentication;
	(*again->unfinished)--;
}

static void authenticate_all(struct batch *batch, struct event_base *base,
			     struct authenticator *authenticator)
{
	size_t unfinished = 0;

	for (size_t i = 0; i < batch->count; i++) {
		struct again *again = &batch->items[i];

		if (again->inbound == NULL)
			continue;
		again->unfinished = &unfinished;
		unfinished++;
		authenticator_start(authenticator, again->inbound, &again->report, again->arena,
				    on_authenticated, again);
	}
	while (unfinished > 0 && event_base_loop(base, EVLOOP_ONCE) == 0)
		;
}

static enum err authenticate(struct batch *batch)
{
	const struct process_context *context = batch->jobs->context;
	struct config patient = *context->config;
	struct event_base *base = event_base_new();
	struct authentication_setup *setup = NULL;
	struct slice error;

	if (base == NULL)
		abort();
	patient.dns_timeout_ms *= PATIENCE;
	enum err err =
		authentication_open(base, &patient, context->files->reporters, &setup, &error);

	if (err == OK)
		authenticate_all(batch, base, authentication_authenticator(setup));
	else
		log_event(LOG_ERROR, "authentication_unusable", LOG_SLICE("error", error));
	authentication_close(setup);
	event_base_free(base);
	return err;
}

/* -- what follows -- */

/* As RCPT took it; a domain that is gone since leaves it to its account, unverified. */
static struct inbound_recipient recipient_again(const struct again *again, struct slice address,
						const struct recipient_rules *rules)
{
	struct recipient_counters counters = { { 0 }, 0 };
	struct recipient_decision decision =
		recipient_decide(address, rules, again->row.received_at, true, &counters);
	struct inbound_recipient recipient = { .address = address, .basis = RECIPIENT_UNVERIFIED };

	if (decision.verdict == RCPT_ACCEPT)
		recipient = decision.recipient;
	recipient.account_id = again->pending.account_id;
	return recipient;
}

/* NULL: it is no longer the report of its account. */
static struct filing *attribute_again(const struct again *again, const struct directory *directory,
				      struct slice role_names)
{
	const struct recipient_rules rules = {
		.directory = directory,
		.role_names = role_names,
		.peer = again->row.peer,
	};
	struct inbound *inbound = again->inbound;
	struct filings filings;

	inbound->authentication = again->found;
	inbound->recipient_count = again->row.recipient_count;
	inbound->recipients =
		ARENA_ARRAY(again->arena, struct inbound_recipient, inbound->recipient_count);
	for (size_t i = 0; i < inbound->recipient_count; i++)
		inbound->recipients[i] = recipient_again(again, again->row.recipients[i], &rules);
	filings = attribute(inbound, &again->report, directory, again->arena);
	for (size_t i = 0; i < filings.count; i++) {
		struct filing *filing = filings.items + i;

		if (filing->account_id != again->pending.account_id)
			continue;
		filing->report_id = again->pending.report_id;
		return filing;
	}
	return NULL;
}

static enum err finish(struct jobs *jobs, struct again *again, const struct directory *directory)
{
	struct slice role_names = slice_from_cstr(jobs->context->config->smtp_role_names);
	struct filing *filing = attribute_again(again, directory, role_names);
	char id[UUID_TEXT_LEN + 1];
	bool applied = false;
	enum err err = filing != NULL ? pending_apply(jobs->pg, filing, &applied)
				      : pending_forget(jobs->pg, &again->pending);

	uuid_format(&again->pending.report_id, id);
	if (applied)
		log_event(LOG_INFO, "authenticated_again", LOG_STR("report", id),
			  LOG_INT("account", (int64_t)again->pending.account_id),
			  LOG_SLICE("reporter", again->found->reporter),
			  LOG_INT("attempt", again->pending.attempts));
	return err;
}

static enum err finish_all(struct batch *batch, const struct directory *directory)
{
	enum err err = OK;

	for (size_t i = 0; i < batch->count && err == OK; i++) {
		struct again *again = &batch->items[i];

		if (again->found != NULL && !again->found->undecided)
			err = go_on(batch->jobs, finish(batch->jobs, again, directory));
	}
	return err;
}

static size_t count_decided(const struct batch *batch)
{
	size_t count = 0;

	for (size_t i = 0; i < batch->count; i++)
		count += batch->items[i].found != NULL && !batch->items[i].found->undecided;
	return count;
}

/* With a directory that is fresh. It is ours alone: nobody else waits for its lock. */
static enum err apply(struct batch *batch)
{
	const struct process_context *context = batch->jobs->context;
	const struct directory *directory = NULL;
	enum err err = ERR_RETRY;

	if (count_decided(batch) == 0)
		return OK;
	struct shared_directory *shared = shared_directory_start(
		setup_dsn(context->config, context->config->database_jobs_dsn),
		context->master_key);

	if (shared != NULL && shared_directory_wait(shared))
		directory = shared_directory_lock(shared);
	if (directory != NULL) {
		err = finish_all(batch, directory);
		shared_directory_unlock(shared);
	}
	shared_directory_stop(shared);
	return err;
}

/* -- a run -- */

static enum err claim(struct batch *batch, int64_t unix_ms, struct arena *arena)
{
	int64_t ms[WAIT_COUNT];
	const struct pending_waits waits = { ms, WAIT_COUNT };
	struct pending_report *reports;

	for (size_t i = 0; i < WAIT_COUNT; i++)
		ms[i] = WAITS[i] * batch->jobs->context->config->jobs_retry_ms;
	enum err err = pending_claim(batch->jobs->pg, unix_ms, &waits, BATCH, arena, &reports,
				     &batch->count);

	if (err != OK)
		return err;
	batch->items = ARENA_ARRAY(arena, struct again, batch->count);
	for (size_t i = 0; i < batch->count; i++)
		batch->items[i] = (struct again){ .pending = reports[i], .arena = arena_new(0) };
	return OK;
}

static enum err give_up(struct jobs *jobs, int64_t unix_ms)
{
	int64_t count = 0;
	enum err err = pending_give_up(jobs->pg, unix_ms, &count);

	if (count > 0)
		log_event(LOG_WARNING, "never_authenticated", LOG_INT("reports", count));
	return err;
}

static enum err try_again(struct batch *batch)
{
	enum err err = prepare_all(batch);

	if (err == OK)
		err = authenticate(batch);
	if (err == OK)
		err = apply(batch);
	log_event(LOG_INFO, "authentication_attempted", LOG_INT("reports", (int64_t)batch->count),
		  LOG_INT("decided", (int64_t)count_decided(batch)));
	return err;
}

enum job_outcome job_authentication(struct jobs *jobs, int64_t unix_ms)
{
	struct arena *arena = arena_new(0);
	struct batch batch = { .jobs = jobs };
	enum err err = give_up(jobs, unix_ms);

	if (err == OK)
		err = claim(&batch, unix_ms, arena);
	if (err == OK && batch.count > 0)
		err = try_again(&batch);
	for (size_t i = 0; i < batch.count; i++) {
		drop_message(&batch.items[i]);
		arena_free(batch.items[i].arena);
	}
	arena_free(arena);
	if (err != OK)
		return job_failed(jobs, "authentication");
	return batch.count == BATCH ? JOB_MORE : JOB_DONE;
}
