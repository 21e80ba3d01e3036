/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/authenticate.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/network.h"
#include "ingest/auth_results.h"
#include "ingest/dkim.h"
#include "ingest/dmarc.h"
#include "ingest/header_scan.h"
#include "ingest/spf.h"

#define NETWORKS_MAX 64

struct authenticator {
	struct authenticator_options options;
	struct dkim_verifier *dkim;
	struct ip_network trusted[NETWORKS_MAX];
	size_t trusted_count;
};

/* One message. Lives in its arena. */
struct task {
	struct authenticator *authenticator;
	const struct inbound *inbound;
	const struct report *report;
	struct arena *arena;
	authenticator_done *done;
	void *context;

	struct header_scan scan;
	struct ip_address peer;
	bool peer_known; /* it is an address, and that of the sender, not of our own hop */
	struct authentication *authentication;
	struct dns_table *table;
	struct event *timer;
	struct open_query {
		struct task *task;
		struct resolver_query *query; /* NULL: done */
	} queries[LIMIT_DNS_QUESTIONS];
	size_t query_count;
};

static void task_run(struct task *task);

/* -- ending -- */

static void finish(struct task *task)
{
	const struct reporter_evidence evidence = {
		.authentication = task->authentication,
		.mail_from = task->inbound->mail_from,
		.peer = task->peer_known ? &task->peer : NULL,
		.feedback_type = task->report->feedback_type,
	};
	const struct resolver_interface *resolver = &task->authenticator->options.resolver;
	const struct reporters *reporters = task->authenticator->options.reporters;

	for (size_t i = 0; i < task->query_count; i++)
		if (task->queries[i].query != NULL)
			resolver->cancel(resolver->context, task->queries[i].query);
	if (task->timer != NULL)
		event_free(task->timer);
	struct reporter_proof proof = reporters_find(reporters, &evidence);

	/* a copy: the list may be replaced before the report is stored */
	task->authentication->reporter = arena_copy(task->arena, proof.name);
	task->authentication->reporter_direct = proof.direct;
	task->authentication->reporter_signed_to = proof.signed_to;
	/* What a hop has found it will not find again. */
	task->authentication->undecided =
		slice_empty(task->authentication->by) && reporters_undecided(reporters, &evidence);
	task->done(task->context, task->authentication);
}

static void on_timeout(evutil_socket_t fd, short what, void *context)
{
	struct task *task = context;

	(void)fd;
	(void)what;
	dns_table_give_up(task->table);
	task_run(task);
}

/* -- asking -- */

static void on_answer(void *context, const struct dns_question *question,
		      const struct dns_answer *answer)
{
	struct open_query *open = context;

	open->query = NULL;
	dns_table_answer(open->task->table, question, answer);
	/* Most steps need all that they asked for: one run for all of it. */
	if (dns_table_unanswered(open->task->table) == 0)
		task_run(open->task);
}

/* false: nothing is on its way. */
static bool ask_wanted(struct task *task)
{
	static const struct dns_answer failed = { .failed = true };
	const struct resolver_interface *resolver = &task->authenticator->options.resolver;
	const struct dns_question *question;

	while ((question = dns_table_next(task->table)) != NULL) {
		struct open_query *open = &task->queries[task->query_count++];

		open->task = task;
		open->query = resolver->ask(resolver->context, question, on_answer, open);
		if (open->query == NULL)
			dns_table_answer(task->table, question, &failed);
	}
	return dns_table_unanswered(task->table) > 0;
}

/* -- the checks -- */

static void check_spf(struct task *task)
{
	const struct spf_input input = { .ip = task->peer,
					 .helo = task->inbound->helo,
					 .mail_from = task->inbound->mail_from };
	struct auth_spf *spf = &task->authentication->spf;

	if (spf->result == AUTH_WAITING)
		*spf = spf_check(&input, task->table, task->arena);
}

static bool dkim_waits(const struct authentication *authentication)
{
	for (size_t i = 0; i < authentication->dkim_count; i++)
		if (authentication->dkim[i].result == AUTH_WAITING)
			return true;
	return false;
}

static void check_dkim(struct task *task)
{
	struct authentication *authentication = task->authentication;

	if (dkim_waits(authentication))
		authentication->dkim_count =
			dkim_verify_message(task->authenticator->dkim, &task->scan, task->table,
					    task->arena, authentication->dkim);
}

static void check_dmarc(struct task *task)
{
	struct authentication *authentication = task->authentication;

	if (authentication->dmarc.result == AUTH_WAITING &&
	    authentication->spf.result != AUTH_WAITING && !dkim_waits(authentication))
		authentication->dmarc = dmarc_check(authentication, task->table, task->arena);
}

static bool is_complete(const struct task *task)
{
	return task->authentication->spf.result != AUTH_WAITING &&
	       !dkim_waits(task->authentication) &&
	       task->authentication->dmarc.result != AUTH_WAITING;
}

/* Runs all that waits over what is known by now, until it is complete or needs an answer. */
static void task_run(struct task *task)
{
	do {
		check_spf(task);
		check_dkim(task);
		check_dmarc(task);
		if (is_complete(task)) {
			finish(task);
			return;
		}
	} while (!ask_wanted(task));
}

/* -- beginning -- */

static bool is_trusted(const struct authenticator *authenticator, const struct ip_address *peer)
{
	for (size_t i = 0; i < authenticator->trusted_count; i++)
		if (ip_network_holds(&authenticator->trusted[i], peer))
			return true;
	return false;
}

/* What the hop said, where it is one; otherwise all is to be found out, SPF only of the sender. */
static void begin_checks(struct task *task)
{
	struct authenticator *authenticator = task->authenticator;
	struct authentication *authentication = task->authentication;
	bool known = ip_parse(task->inbound->peer, &task->peer);
	bool hop;

	task->peer = ip_unmap(task->peer);
	hop = known && is_trusted(authenticator, &task->peer);
	task->peer_known = known && !hop;
	authentication->from = header_scan_address(&task->scan, SLICE("From"), task->arena);
	authentication->to = header_scan_address(&task->scan, SLICE("To"), task->arena);
	if (hop && auth_results_read(&task->scan, authenticator->options.authserv_id, task->arena,
				     authentication))
		return;
	if (task->peer_known)
		authentication->spf.result = AUTH_WAITING;
	authentication->dmarc.result = AUTH_WAITING;
	authentication->dkim_count = dkim_verify_message(
		authenticator->dkim, &task->scan, task->table, task->arena, authentication->dkim);
}

void authenticator_start(struct authenticator *authenticator, const struct inbound *inbound,
			 const struct report *report, struct arena *arena, authenticator_done *done,
			 void *context)
{
	int64_t ms = authenticator->options.timeout_ms;
	const struct timeval timeout = { ms / 1000, ms % 1000 * 1000 };
	struct task *task = ARENA_NEW(arena, struct task);

	task->authenticator = authenticator;
	task->inbound = inbound;
	task->report = report;
	task->arena = arena;
	task->done = done;
	task->context = context;
	task->scan = header_scan(buf_slice(&inbound->raw), arena);
	task->authentication = ARENA_NEW(arena, struct authentication);
	task->table = dns_table_new(arena);
	begin_checks(task);
	if (!is_complete(task)) {
		task->timer = evtimer_new(authenticator->options.base, on_timeout, task);
		if (task->timer == NULL || event_add(task->timer, &timeout) != 0)
			abort();
	}
	task_run(task);
}

enum err authenticator_new(const struct authenticator_options *options,
			   struct authenticator **ret_authenticator)
{
	struct authenticator *authenticator = calloc(1, sizeof(*authenticator));
	struct slice rest = options->trusted_peers, word;

	if (authenticator == NULL)
		abort();
	authenticator->options = *options;
	while (slice_next_field(&rest, ' ', &word)) {
		if (slice_empty(word))
			continue;
		if (authenticator->trusted_count == NETWORKS_MAX ||
		    !ip_network_parse(word,
				      &authenticator->trusted[authenticator->trusted_count++])) {
			free(authenticator);
			return ERR_REFUSE;
		}
	}
	if (slice_empty(options->authserv_id))
		authenticator->trusted_count = 0;
	authenticator->dkim = dkim_verifier_new();
	*ret_authenticator = authenticator;
	return OK;
}

void authenticator_free(struct authenticator *authenticator)
{
	if (authenticator == NULL)
		return;
	dkim_verifier_free(authenticator->dkim);
	free(authenticator);
}
