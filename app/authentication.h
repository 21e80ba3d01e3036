/* SPDX-License-Identifier: Apache-2.0 */
/* What a process needs to find out who sent a message, made from the configuration: the
 * resolver, and the authenticator over it and the list of reporters. */
#ifndef BOUNCED_APP_AUTHENTICATION_H
#define BOUNCED_APP_AUTHENTICATION_H

#include <event2/event.h>

#include "core/config.h"
#include "core/err.h"
#include "ingest/authenticate.h"
#include "ingest/reporters.h"

struct authentication_setup;

/* config and reporters are borrowed. ERR_REFUSE: the configuration is wrong; *ret_error, static,
 * says how. Caller closes. */
enum err authentication_open(struct event_base *base, const struct config *config,
			     const struct reporters *reporters,
			     struct authentication_setup **ret_setup,
			     struct slice *ret_error) MUST_CHECK;
void authentication_close(struct authentication_setup *setup);
struct authenticator *authentication_authenticator(struct authentication_setup *setup);
struct resolver_interface authentication_resolver(struct authentication_setup *setup);

/* Checks dns.* and auth.*, and reads the list of reporters, which lives in the arena as the error
 * does. */
enum err authentication_check(const struct config *config, struct arena *arena,
			      const struct reporters **ret_reporters,
			      struct slice *ret_error) MUST_CHECK;

#endif
