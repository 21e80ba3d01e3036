/* SPDX-License-Identifier: Apache-2.0 */
/* What an ingest process needs to find out who sent a message, made from the configuration: the
 * resolver, the list of reporters, and the authenticator over them. */
#ifndef BOUNCED_APP_AUTHENTICATION_H
#define BOUNCED_APP_AUTHENTICATION_H

#include <event2/event.h>

#include "core/config.h"
#include "core/err.h"
#include "ingest/authenticate.h"

struct authentication_setup;

/* ERR_REFUSE: the configuration is wrong; *ret_error, in the arena, says how. Caller closes. */
enum err authentication_open(struct event_base *base, const struct config *config,
			     struct arena *arena, struct authentication_setup **ret_setup,
			     struct slice *ret_error) MUST_CHECK;
void authentication_close(struct authentication_setup *setup);
struct authenticator *authentication_authenticator(struct authentication_setup *setup);
struct resolver_interface authentication_resolver(struct authentication_setup *setup);

/* Only the check of what authentication_open() reads: dns.* and auth.*. */
enum err authentication_check(const struct config *config, struct arena *arena,
			      struct slice *ret_error) MUST_CHECK;

#endif
