/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mail_service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/submission.h"
#include "core/address.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/timestamp.h"

/* Enough for "2.0.0 <report id>", which must outlive the call that says it. */
#define REPLY_TEXT 64

/* A RCPT or AUTH that waits for a fresh directory. */
struct waiting_question {
	struct waiting_question *next;
	connection_id connection;
	bool auth;
	struct submission_key key; /* of AUTH */
	struct slice address;      /* of RCPT; behind this struct */
};

/* A RCPT that waits for a block list. */
struct screened_rcpt {
	struct mail_service *service;
	connection_id connection;
	struct ip_address client;
	struct recipient_decision decision; /* its address is behind this struct */
};

static const struct smtp_reply GO_AHEAD = SMTP_REPLY(250, "2.1.0", "OK");
static const struct smtp_reply DATABASE_AWAY =
	SMTP_REPLY(451, "4.3.0", "cannot store messages now, try again later");
static const struct smtp_reply TOO_MUCH =
	SMTP_REPLY(452, "4.3.1", "too much in flight, try again later");
static const struct smtp_reply DATABASE_FULL =
	SMTP_REPLY(452, "4.3.1", "no space to store the message, try again later");

/* -- admission -- */

/* Also of each transaction's client, lest what is known of it be forgotten in a long session. */
static void ask_lists(struct mail_service *service, connection_id connection)
{
	struct ip_address client;

	if (service->block_lists != NULL && server_screens(service->server, connection, &client))
		block_lists_ask(service->block_lists, &client);
}

static void on_client(void *context, connection_id connection)
{
	ask_lists(context, connection);
}

bool mail_service_may_take(void *context)
{
	struct mail_service *service = context;

	return committer_up(service->committer) && directory_cache_get(service->directory) != NULL;
}

static void on_mail(void *context, connection_id connection)
{
	struct mail_service *service = context;
	const struct smtp_reply *reply = &GO_AHEAD;

	ask_lists(service, connection);
	if (!mail_service_may_take(service)) {
		refusal_add(service->refusals, REFUSED_DATABASE);
		reply = &DATABASE_AWAY;
	} else if (pipeline_full(service->pipeline)) {
		refusal_add(service->refusals, REFUSED_IN_FLIGHT);
		reply = &TOO_MUCH;
	}
	server_answer(service->server, connection, reply);
}

/* -- RCPT -- */

static struct recipient_decision decide(struct mail_service *service, connection_id connection,
					struct slice address, bool refreshed)
{
	const struct recipient_rules rules = {
		.directory = directory_cache_get(service->directory),
		.role_names = slice_from_cstr(service->config->smtp_role_names),
		.guard = service->guard,
		.peer = server_peer(service->server, connection),
	};

	return recipient_decide(address, &rules, time_now_ms(), refreshed, &service->counters);
}

static void say_rcpt(struct mail_service *service, connection_id connection,
		     const struct recipient_decision *decision)
{
	server_answer_rcpt(service->server, connection, &decision->reply,
			   decision->verdict == RCPT_ACCEPT ? &decision->recipient : NULL);
}

static void refuse_listed(struct mail_service *service, connection_id connection,
			  const struct block_list *list)
{
	bool for_good = list->action == BLOCK_REFUSE;
	char text[REPLY_TEXT + BLOCK_LIST_NAME_MAX];
	int len = snprintf(text, sizeof(text), "Client host is listed by %.*s",
			   SLICE_ARG(list->name));
	const struct smtp_reply reply = { for_good ? 550 : 451, for_good ? "5.7.1" : "4.7.1",
					  slice_from(text, (size_t)len) };

	refusal_add(service->refusals, REFUSED_LISTED);
	server_answer_rcpt(service->server, connection, &reply, NULL);
}

/* Whether the lists have a say: they keep away what anybody could send, never what proves to answer
 * our own mail, and never who complains to the postmaster (RFC 5321 4.5.1). */
static bool lists_decide(struct mail_service *service, connection_id connection,
			 const struct recipient_decision *decision, struct ip_address *ret_client)
{
	struct slice address = decision->recipient.address;

	return service->block_lists != NULL && decision->verdict == RCPT_ACCEPT &&
	       !decision->proven && !slice_equal_nocase(address, SLICE("postmaster")) &&
	       !slice_starts_with_nocase(address, SLICE("postmaster@")) &&
	       server_screens(service->server, connection, ret_client);
}

static void on_listing(void *context)
{
	struct screened_rcpt *rcpt = context;
	struct mail_service *service = rcpt->service;
	struct block_verdict verdict = block_lists_find(service->block_lists, &rcpt->client);

	if (verdict.against != NULL)
		refuse_listed(service, rcpt->connection, verdict.against);
	else
		say_rcpt(service, rcpt->connection, &rcpt->decision);
	free(rcpt);
}

static void wait_for_listing(struct mail_service *service, connection_id connection,
			     const struct recipient_decision *decision,
			     const struct ip_address *client)
{
	struct slice address = decision->recipient.address;
	struct screened_rcpt *rcpt = calloc(1, sizeof(*rcpt) + address.len + 1);

	if (rcpt == NULL)
		abort();
	*rcpt = (struct screened_rcpt){ service, connection, *client, *decision };
	rcpt->decision.recipient.address =
		slice_from(memcpy(rcpt + 1, address.ptr, address.len), address.len);
	block_lists_wait(service->block_lists, client, on_listing, rcpt);
}

static void screen_rcpt(struct mail_service *service, connection_id connection,
			const struct recipient_decision *decision)
{
	struct block_verdict verdict = { 0 };
	struct ip_address client;

	if (lists_decide(service, connection, decision, &client))
		verdict = block_lists_find(service->block_lists, &client);
	if (verdict.waiting)
		wait_for_listing(service, connection, decision, &client);
	else if (verdict.against != NULL)
		refuse_listed(service, connection, verdict.against);
	else
		say_rcpt(service, connection, decision);
}

/* A mistake of ours, perhaps, or a stranger's play: told once in a while for each cause. */
static void tell_put_off(struct mail_service *service, struct slice address,
			 enum rcpt_outcome outcome)
{
	struct put_off *put_off = &service->put_off[outcome];
	int64_t now = time_monotonic_ms();
	struct address parts;

	put_off->times++;
	if (now < put_off->quiet_until || !address_split(address, &parts))
		return;
	log_event(LOG_ERROR, "alert", LOG_STR("alert", "return_path_put_off"),
		  LOG_STR("why", rcpt_outcome_word(outcome)), LOG_SLICE("domain", parts.domain),
		  LOG_INT("times", (int64_t)put_off->times));
	put_off->times = 0;
	put_off->quiet_until = now + GUARD_ALERT_MS;
}

static void answer_rcpt(struct mail_service *service, connection_id connection,
			struct slice address, const struct recipient_decision *decision)
{
	struct address parts;

	if (decision->alert && address_split(address, &parts))
		log_event(LOG_ERROR, "alert", LOG_STR("alert", "return_paths_do_not_verify"),
			  LOG_SLICE("domain", parts.domain));
	if (decision->verdict == RCPT_LATER && decision->outcome != RCPT_SUSPECT)
		tell_put_off(service, address, decision->outcome);
	screen_rcpt(service, connection, decision);
}

static struct waiting_question *wait_for_directory(struct mail_service *service,
						   connection_id connection, struct slice address)
{
	struct waiting_question *waiting = calloc(1, sizeof(*waiting) + address.len + 1);

	if (waiting == NULL)
		abort();
	waiting->connection = connection;
	waiting->address = slice_from(memcpy(waiting + 1, address.ptr, address.len), address.len);
	waiting->next = service->waiting;
	service->waiting = waiting;
	return waiting;
}

static void on_rcpt(void *context, connection_id connection, struct slice address)
{
	struct mail_service *service = context;
	struct recipient_decision decision = decide(service, connection, address, false);

	if (decision.verdict == RCPT_REFRESH) {
		if (directory_cache_refresh(service->directory)) {
			(void)wait_for_directory(service, connection, address);
			return;
		}
		decision = decide(service, connection, address, true); /* it is fresh already */
	}
	answer_rcpt(service, connection, address, &decision);
}

/* -- AUTH -- */

/* false: a fresh directory is wanted first. */
static bool answer_auth(struct mail_service *service, connection_id connection,
			const struct submission_key *key, bool refreshed)
{
	uint64_t account_id = 0;
	enum submission_verdict verdict =
		submission_check(directory_cache_get(service->directory), key, time_now_ms(),
				 refreshed, &account_id);

	if (verdict == SUBMISSION_REFRESH)
		return false;
	server_answer_auth(service->server, connection,
			   verdict == SUBMISSION_ACCEPT ? AUTH_ACCEPTED : AUTH_REFUSED, account_id);
	return true;
}

static void on_auth(void *context, connection_id connection, struct sasl_credentials credentials)
{
	struct mail_service *service = context;
	struct submission_key key;

	if (directory_cache_get(service->directory) == NULL) {
		server_answer_auth(service->server, connection, AUTH_LATER, 0);
	} else if (!submission_key_read(credentials.password, &key)) {
		server_answer_auth(service->server, connection, AUTH_REFUSED, 0);
	} else if (!answer_auth(service, connection, &key, false)) {
		struct waiting_question *waiting =
			wait_for_directory(service, connection, SLICE_NONE);

		waiting->auth = true;
		waiting->key = key;
		/* A wrong password is answered late in any case. */
		directory_cache_await(service->directory);
	}
}

static void answer_waiting(struct mail_service *service, const struct waiting_question *waiting,
			   bool loaded)
{
	struct recipient_decision decision;

	if (waiting->auth && loaded) {
		(void)answer_auth(service, waiting->connection, &waiting->key, true);
	} else if (waiting->auth) {
		server_answer_auth(service->server, waiting->connection, AUTH_LATER, 0);
	} else if (loaded) {
		decision = decide(service, waiting->connection, waiting->address, true);
		answer_rcpt(service, waiting->connection, waiting->address, &decision);
	} else {
		server_answer_rcpt(service->server, waiting->connection, &DATABASE_AWAY, NULL);
	}
}

/* Those who waited for it get their answer. */
void mail_service_on_directory(void *context, bool loaded)
{
	struct mail_service *service = context;
	struct waiting_question *waiting = service->waiting;

	service->waiting = NULL;
	while (waiting != NULL) {
		struct waiting_question *next = waiting->next;

		answer_waiting(service, waiting, loaded);
		free(waiting);
		waiting = next;
	}
}

/* -- messages -- */

static void on_message_done(void *context, uint64_t tag, const struct pipeline_result *result)
{
	struct mail_service *service = context;
	char id[UUID_TEXT_LEN + 1];
	char text[REPLY_TEXT];

	if (result->outcome != COMMIT_DONE) {
		server_answer(service->server, tag,
			      result->outcome == COMMIT_NO_SPACE ? &DATABASE_FULL : &DATABASE_AWAY);
		return;
	}
	uuid_format(&result->report_id, id);
	int len = snprintf(text, sizeof(text), "stored as %s", id);
	const struct smtp_reply reply = { 250, "2.0.0", slice_from(text, (size_t)len) };

	server_answer(service->server, tag, &reply);
}

static void on_message(void *context, connection_id connection, struct inbound *inbound)
{
	struct mail_service *service = context;
	struct ip_address client;

	if (service->block_lists != NULL && server_screens(service->server, connection, &client))
		inbound->listed = block_lists_flags(
			service->block_lists,
			block_lists_find(service->block_lists, &client).listed, inbound->arena);
	pipeline_submit(service->pipeline, inbound, on_message_done, service, connection);
}

struct smtp_service mail_service_questions(struct mail_service *service)
{
	return (struct smtp_service){ service, on_mail, on_rcpt, on_message, on_auth, on_client };
}

void mail_service_log_counters(const struct mail_service *service)
{
	for (unsigned i = 0; i < RCPT_OUTCOME_COUNT; i++)
		if (service->counters.count[i] > 0)
			log_event(LOG_INFO, "recipients_counted",
				  LOG_STR("outcome", rcpt_outcome_word((enum rcpt_outcome)i)),
				  LOG_INT("count", (int64_t)service->counters.count[i]));
}
