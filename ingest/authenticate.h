/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out who sent a message: SPF, DKIM and DMARC, or what a trusted hop found, and which
 * allow-listed reporter it proves. Takes timeout_ms at most: what DNS has not said by then is
 * `temperror`, and nothing is proven by that.
 */
#ifndef BOUNCED_INGEST_AUTHENTICATE_H
#define BOUNCED_INGEST_AUTHENTICATE_H

#include <stdint.h>

#include <event2/event.h>

#include "core/arena.h"
#include "core/authentication.h"
#include "core/inbound.h"
#include "core/report.h"
#include "ingest/reporters.h"
#include "ingest/resolver.h"

struct authenticator;

struct authenticator_options {
	struct event_base *base;
	struct resolver_interface resolver;
	const struct reporters *reporters; /* borrowed */
	struct slice authserv_id;          /* of the trusted hop; empty: there is none */
	struct slice trusted_peers;        /* its networks, space-separated */
	int64_t timeout_ms;
};

/* ERR_REFUSE: trusted_peers are no networks. Caller frees, when nothing is being authenticated. */
enum err authenticator_new(const struct authenticator_options *options,
			   struct authenticator **ret_authenticator) MUST_CHECK;
void authenticator_free(struct authenticator *authenticator);

/* Called once; it may be called before authenticator_start() returns. */
typedef void authenticator_done(void *context, const struct authentication *authentication);

/* inbound and report are borrowed until done; the result lives in the arena. */
void authenticator_start(struct authenticator *authenticator, const struct inbound *inbound,
			 const struct report *report, struct arena *arena, authenticator_done *done,
			 void *context);

#endif
