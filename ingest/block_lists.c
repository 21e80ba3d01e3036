/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/block_lists.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/timestamp.h"

struct waiter {
	struct waiter *next;
	void (*done)(void *context);
	void *context;
};

/* One question of a lookup. */
struct inquiry {
	struct lookup *lookup;
	struct dns_question question; /* its name in `name` */
	struct resolver_query *query; /* NULL: answered */
	char name[BLOCK_LIST_NAME_MAX + 1];
};

/* A client that is being asked about. */
struct lookup {
	struct lookup *next;
	struct block_lists *lists;
	struct ip_address client;
	struct event *timer;
	struct waiter *waiters;
	listing_bits listed;
	bool complete;  /* every list has answered, so far */
	unsigned asked; /* answers still to come */
	struct inquiry inquiries[BLOCK_LISTS_MAX];
};

struct block_lists {
	struct block_lists_options options;
	struct listing_cache *cache;
	struct lookup *lookups;
	size_t lookup_count;
	struct state {
		bool failing;
		int64_t said_ms; /* when the log was told so last */
	} states[BLOCK_LISTS_MAX];
};

/* -- what is known -- */

static struct lookup *find_lookup(const struct block_lists *lists, const struct ip_address *client)
{
	struct lookup *lookup = lists->lookups;

	while (lookup != NULL &&
	       (lookup->client.v6 != client->v6 ||
		memcmp(lookup->client.bytes, client->bytes, client->v6 ? 16 : 4) != 0))
		lookup = lookup->next;
	return lookup;
}

static bool is_listed(listing_bits listed, size_t list)
{
	return (listed >> list & 1) != 0;
}

static const struct block_list *strictest(const struct block_lists *lists, listing_bits listed)
{
	const struct block_list *found = NULL;

	for (size_t i = 0; i < lists->options.count; i++) {
		const struct block_list *list = &lists->options.lists[i];

		if (is_listed(listed, i) && list->action != BLOCK_TAG &&
		    (found == NULL || list->action > found->action))
			found = list;
	}
	return found;
}

/* Lists that matter and may be waited for have yet to answer. */
static bool is_waiting(const struct lookup *lookup)
{
	const struct block_lists *lists = lookup->lists;

	for (size_t i = 0; i < lists->options.count; i++)
		if (lookup->inquiries[i].query != NULL && !lists->states[i].failing &&
		    lists->options.lists[i].action != BLOCK_TAG)
			return true;
	return false;
}

struct block_verdict block_lists_find(struct block_lists *lists, const struct ip_address *client)
{
	struct ip_address address = ip_unmap(*client);
	const struct lookup *lookup = find_lookup(lists, &address);
	struct block_verdict verdict = { 0 };

	if (lookup != NULL) {
		verdict.listed = lookup->listed;
		verdict.waiting = is_waiting(lookup);
	} else if (!listing_cache_find(lists->cache, &address, time_monotonic_ms(),
				       &verdict.listed)) {
		verdict.listed = 0;
	}
	verdict.against = strictest(lists, verdict.listed);
	return verdict;
}

struct slice block_lists_flags(const struct block_lists *lists, listing_bits listed,
			       struct arena *arena)
{
	struct slice flags = SLICE_NONE;

	for (size_t i = 0; i < lists->options.count; i++)
		if (is_listed(listed, i))
			flags = arena_printf(arena, "%.*s%slisted:%.*s", SLICE_ARG(flags),
					     slice_empty(flags) ? "" : " ",
					     SLICE_ARG(lists->options.lists[i].name));
	return flags;
}

/* -- a lookup -- */

static void call_waiters(struct lookup *lookup)
{
	struct waiter *waiter = lookup->waiters;

	lookup->waiters = NULL;
	while (waiter != NULL) {
		struct waiter *next = waiter->next;

		waiter->done(waiter->context);
		free(waiter);
		waiter = next;
	}
}

static void set_failing(struct block_lists *lists, size_t list, bool failing, const char *why)
{
	struct state *state = &lists->states[list];
	int64_t now_ms = time_monotonic_ms();

	if (failing &&
	    (state->said_ms == 0 || now_ms - state->said_ms >= LIMIT_BLOCK_LIST_LOG_MS)) {
		state->said_ms = now_ms;
		log_event(LOG_WARNING, "block_list_failing",
			  LOG_SLICE("list", lists->options.lists[list].name), LOG_STR("why", why));
	}
	state->failing = failing;
}

static void remember(const struct lookup *lookup)
{
	const struct block_lists_options *options = &lookup->lists->options;
	int64_t now_ms = time_monotonic_ms();
	int64_t keep_ms = lookup->listed != 0 ? options->listed_ms : options->clear_ms;

	if (!lookup->complete && keep_ms > LIMIT_BLOCK_LIST_RETRY_MS)
		keep_ms = LIMIT_BLOCK_LIST_RETRY_MS;
	listing_cache_put(lookup->lists->cache, &lookup->client, lookup->listed, now_ms,
			  now_ms + keep_ms);
}

/* What it found is in the cache, and who waited was told. */
static void lookup_end(struct lookup *lookup)
{
	struct block_lists *lists = lookup->lists;
	const struct resolver_interface *resolver = &lists->options.resolver;
	struct lookup **at = &lists->lookups;

	while (*at != lookup)
		at = &(*at)->next;
	*at = lookup->next;
	lists->lookup_count--;
	for (size_t i = 0; i < lists->options.count; i++)
		if (lookup->inquiries[i].query != NULL)
			resolver->cancel(resolver->context, lookup->inquiries[i].query);
	remember(lookup);
	call_waiters(lookup);
	event_free(lookup->timer);
	free(lookup);
}

static void take_answer(struct lookup *lookup, size_t list, const struct dns_answer *answer)
{
	struct block_lists *lists = lookup->lists;

	switch (block_list_judge(&lists->options.lists[list], answer)) {
	case BLOCK_LISTED:
		lookup->listed |= (listing_bits)1 << list;
		set_failing(lists, list, false, "");
		break;
	case BLOCK_NOT_LISTED:
		set_failing(lists, list, false, "");
		break;
	case BLOCK_UNKNOWN:
		lookup->complete = false;
		set_failing(lists, list, true, "no answer");
		break;
	case BLOCK_ERROR:
		lookup->complete = false;
		set_failing(lists, list, true, "an answer that is none");
		break;
	}
}

static void on_answer(void *context, const struct dns_question *question,
		      const struct dns_answer *answer)
{
	struct inquiry *inquiry = context;
	struct lookup *lookup = inquiry->lookup;

	(void)question;
	inquiry->query = NULL;
	take_answer(lookup, (size_t)(inquiry - lookup->inquiries), answer);
	if (--lookup->asked == 0)
		lookup_end(lookup);
	else if (!is_waiting(lookup))
		call_waiters(lookup);
}

static void on_timeout(evutil_socket_t fd, short what, void *context)
{
	struct lookup *lookup = context;

	(void)fd;
	(void)what;
	lookup->complete = false;
	for (size_t i = 0; i < lookup->lists->options.count; i++)
		if (lookup->inquiries[i].query != NULL)
			set_failing(lookup->lists, i, true, "no answer in time");
	lookup_end(lookup);
}

static void ask_list(struct lookup *lookup, size_t list)
{
	static const struct dns_answer failed = { .failed = true };
	const struct block_lists_options *options = &lookup->lists->options;
	struct inquiry *inquiry = &lookup->inquiries[list];

	inquiry->lookup = lookup;
	inquiry->question.type = DNS_A;
	inquiry->question.name =
		block_list_question(&options->lists[list], &lookup->client, inquiry->name);
	inquiry->query = options->resolver.ask(options->resolver.context, &inquiry->question,
					       on_answer, inquiry);
	if (inquiry->query != NULL)
		lookup->asked++;
	else
		take_answer(lookup, list, &failed);
}

static void lookup_begin(struct block_lists *lists, const struct ip_address *client)
{
	int64_t ms = lists->options.timeout_ms;
	const struct timeval timeout = { ms / 1000, ms % 1000 * 1000 };
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (lookup == NULL)
		abort();
	lookup->lists = lists;
	lookup->client = *client;
	lookup->complete = true;
	lookup->next = lists->lookups;
	lists->lookups = lookup;
	lists->lookup_count++;
	lookup->timer = evtimer_new(lists->options.base, on_timeout, lookup);
	if (lookup->timer == NULL || event_add(lookup->timer, &timeout) != 0)
		abort();
	for (size_t i = 0; i < lists->options.count; i++)
		ask_list(lookup, i);
	if (lookup->asked == 0)
		lookup_end(lookup);
}

void block_lists_ask(struct block_lists *lists, const struct ip_address *client)
{
	struct ip_address address = ip_unmap(*client);
	listing_bits listed;

	if (find_lookup(lists, &address) == NULL &&
	    lists->lookup_count < LIMIT_BLOCK_LIST_LOOKUPS &&
	    !listing_cache_find(lists->cache, &address, time_monotonic_ms(), &listed))
		lookup_begin(lists, &address);
}

void block_lists_wait(struct block_lists *lists, const struct ip_address *client,
		      void (*done)(void *context), void *context)
{
	struct ip_address address = ip_unmap(*client);
	struct lookup *lookup = find_lookup(lists, &address);
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	assert(lookup != NULL && is_waiting(lookup));
	if (waiter == NULL)
		abort();
	*waiter = (struct waiter){ lookup->waiters, done, context };
	lookup->waiters = waiter;
}

/* -- life -- */

struct block_lists *block_lists_new(const struct block_lists_options *options)
{
	struct block_lists *lists = calloc(1, sizeof(*lists));

	assert(options->count > 0 && options->count <= BLOCK_LISTS_MAX);
	if (lists == NULL)
		abort();
	lists->options = *options;
	lists->cache = listing_cache_new(LIMIT_BLOCK_LIST_CACHE);
	return lists;
}

void block_lists_free(struct block_lists *lists)
{
	if (lists == NULL)
		return;
	while (lists->lookups != NULL)
		lookup_end(lists->lookups);
	listing_cache_free(lists->cache);
	free(lists);
}
