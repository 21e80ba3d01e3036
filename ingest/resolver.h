/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS without waiting: libunbound in a thread of its own, its answers taken in the event loop, and
 * its cache. The interface is what the authenticator sees, so that tests can answer instead.
 */
#ifndef BOUNCED_INGEST_RESOLVER_H
#define BOUNCED_INGEST_RESOLVER_H

#include <event2/event.h>

#include "core/err.h"
#include "ingest/dns.h"

/* Called once, never from within ask(), unless cancelled before. The answer is valid during the
 * call. */
typedef void resolver_done(void *done_context, const struct dns_question *question,
			   const struct dns_answer *answer);

struct resolver_query;

struct resolver_interface {
	void *context;
	/* The question is borrowed until done is called. NULL: it could not even be asked. */
	struct resolver_query *(*ask)(void *context, const struct dns_question *question,
				      resolver_done *done, void *done_context);
	/* Not after done has been called. */
	void (*cancel)(void *context, struct resolver_query *query);
};

struct resolver;

/*
 * server: "192.0.2.53" or "192.0.2.53@5353"; empty: those of /etc/resolv.conf. ERR_REFUSE: the
 * server is no address. Caller frees, when no query is open.
 */
enum err resolver_new(struct event_base *base, const char *server,
		      struct resolver **ret_resolver) MUST_CHECK;
void resolver_free(struct resolver *resolver);
struct resolver_interface resolver_interface(struct resolver *resolver);

#endif
