/* SPDX-License-Identifier: Apache-2.0 */
#include "app/pipeline.h"

#include <assert.h>
#include <stdlib.h>

#include "app/batcher.h"
#include "app/parser_pool.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/timestamp.h"
#include "ingest/attribute.h"

/* How often overdue messages are looked for. */
#define OVERDUE_CHECK_MS 500

/* One message on its way. Freed when its last filing is decided, answered or not. */
struct job {
	struct job *older, *newer;
	struct pipeline *pipeline;
	struct inbound *inbound;
	struct arena *arena; /* of the report and the filings; NULL while it is parsed */
	struct report report;
	struct filings filings;
	size_t undecided;
	struct pipeline_result result;
	int64_t deadline;
	bool answered;
	pipeline_done *done;
	void *context;
	uint64_t tag;
};

struct pipeline {
	struct event_base *base;
	struct directory_cache *directory;
	struct parser_pool *parsers;
	struct authenticator *authenticator;
	struct batcher *batcher;
	struct event *overdue_timer;
	struct job *oldest, *newest;
	size_t count;
	struct in_flight *in_flight;
};

static void job_link(struct pipeline *pipeline, struct job *job)
{
	job->older = pipeline->newest;
	if (pipeline->newest != NULL)
		pipeline->newest->newer = job;
	else
		pipeline->oldest = job;
	pipeline->newest = job;
	pipeline->count++;
	pipeline->in_flight->waiting += job->inbound->raw.len;
}

static void job_free(struct job *job)
{
	struct pipeline *pipeline = job->pipeline;

	*(job->older != NULL ? &job->older->newer : &pipeline->oldest) = job->newer;
	*(job->newer != NULL ? &job->newer->older : &pipeline->newest) = job->older;
	pipeline->count--;
	pipeline->in_flight->waiting -= job->inbound->raw.len;
	inbound_free(job->inbound);
	arena_free(job->arena);
	free(job);
}

static void job_answer(struct job *job)
{
	if (job->answered)
		return;
	job->answered = true;
	job->done(job->context, job->tag, &job->result);
}

/* A message is as durable as its least durable filing. */
static void on_filed(void *context, struct filing *filing, void *tag, enum commit_outcome outcome,
		     bool stored_raw)
{
	struct job *job = tag;

	(void)context;
	if (stored_raw)
		log_event(LOG_ERROR, "report_stored_raw",
			  LOG_INT("account", (int64_t)filing->account_id));
	if (outcome != COMMIT_DONE) {
		job->result.outcome = outcome;
	} else if (filing == &job->filings.items[0]) {
		job->result.report_id = filing->committed_id;
		job->result.duplicate = filing->duplicate;
	}
	assert(job->undecided > 0);
	if (--job->undecided > 0)
		return;
	job_answer(job);
	job_free(job);
}

static void file_job(struct job *job)
{
	struct pipeline *pipeline = job->pipeline;

	job->filings = attribute(job->inbound, &job->report,
				 directory_cache_get(pipeline->directory), job->arena);
	job->undecided = job->filings.count;
	job->result.outcome = COMMIT_DONE;
	for (size_t i = 0; i < job->filings.count; i++)
		batcher_add(pipeline->batcher, &job->filings.items[i], job);
}

static void on_authenticated(void *context, const struct authentication *authentication)
{
	struct job *job = context;

	job->inbound->authentication = authentication;
	file_job(job);
}

static void on_parsed(void *context, void *tag, struct arena *arena, const struct report *report)
{
	struct pipeline *pipeline = context;
	struct job *job = tag;

	job->arena = arena;
	job->report = *report;
	if (report->kind == REPORT_QUARANTINED)
		log_event(LOG_WARNING, "message_quarantined", LOG_SLICE("why", report->quarantine),
			  LOG_SLICE("peer", job->inbound->peer),
			  LOG_INT("bytes", (int64_t)job->inbound->raw.len));
	if (attribute_wants_authentication(job->inbound, &job->report,
					   directory_cache_get(pipeline->directory), arena))
		authenticator_start(pipeline->authenticator, job->inbound, &job->report, arena,
				    on_authenticated, job);
	else
		file_job(job);
}

/* Who waited too long is told to come again; the work goes on. */
static void on_overdue_check(evutil_socket_t fd, short what, void *context)
{
	struct pipeline *pipeline = context;
	int64_t now = time_monotonic_ms();

	(void)fd;
	(void)what;
	for (struct job *job = pipeline->oldest; job != NULL && job->deadline <= now;
	     job = job->newer) {
		const struct pipeline_result later = { .outcome = COMMIT_LATER };

		if (job->answered)
			continue;
		job->answered = true;
		log_event(LOG_WARNING, "reply_overdue",
			  LOG_INT("waiting", (int64_t)pipeline->count));
		job->done(job->context, job->tag, &later);
	}
}

enum err pipeline_new(const struct pipeline_options *options, struct pipeline **ret_pipeline)
{
	const struct timeval interval = { 0, OVERDUE_CHECK_MS * 1000 };
	struct pipeline *pipeline = calloc(1, sizeof(*pipeline));

	if (pipeline == NULL)
		abort();
	pipeline->base = options->base;
	pipeline->directory = options->directory;
	pipeline->authenticator = options->authenticator;
	pipeline->in_flight = options->in_flight;
	if (parser_pool_new(options->base, options->parsers, &options->parser, on_parsed, pipeline,
			    &pipeline->parsers) != OK) {
		free(pipeline);
		return ERR_FATAL;
	}
	pipeline->batcher = batcher_new(options->base, options->committer, on_filed, pipeline);
	pipeline->overdue_timer =
		event_new(options->base, -1, EV_PERSIST, on_overdue_check, pipeline);
	if (pipeline->overdue_timer == NULL || event_add(pipeline->overdue_timer, &interval) != 0)
		abort();
	*ret_pipeline = pipeline;
	return OK;
}

void pipeline_free(struct pipeline *pipeline)
{
	if (pipeline == NULL)
		return;
	assert(pipeline->count == 0);
	event_free(pipeline->overdue_timer);
	batcher_free(pipeline->batcher);
	parser_pool_free(pipeline->parsers);
	free(pipeline);
}

void pipeline_submit(struct pipeline *pipeline, struct inbound *inbound, pipeline_done *done,
		     void *context, uint64_t tag)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		abort();
	assert(inbound->recipient_count > 0 && directory_cache_get(pipeline->directory) != NULL);
	job->pipeline = pipeline;
	job->inbound = inbound;
	job->deadline = time_monotonic_ms() + LIMIT_REPLY_MS;
	job->done = done;
	job->context = context;
	job->tag = tag;
	job_link(pipeline, job);
	parser_pool_parse(pipeline->parsers, job, buf_slice(&inbound->raw));
}

size_t pipeline_count(const struct pipeline *pipeline)
{
	return pipeline->count;
}

bool pipeline_full(const struct pipeline *pipeline)
{
	return in_flight_full(pipeline->in_flight);
}
