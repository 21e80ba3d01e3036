/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration says about the listeners of mail, as ingest's server wants it. */
#ifndef BOUNCED_APP_MAIL_LISTENER_H
#define BOUNCED_APP_MAIL_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "app/listeners.h"
#include "core/config.h"
#include "core/network.h"
#include "ingest/server.h"
#include "ingest/tls.h"

#define MAIL_LISTENER_PROXIES 32

struct mail_listener {
	struct listener_options options; /* points into this struct and the configuration */
	struct ip_network proxies[MAIL_LISTENER_PROXIES];
};

/* hostname: borrowed. tls: certificates are loaded. false: `error` names the key that is wrong. */
bool mail_listener_make(const struct config *config, enum listener listener, struct slice hostname,
			bool tls, struct mail_listener *ret_listener, char *error,
			size_t error_size);
/* Loads the certificates that the configuration names into tls, and checks that every listener
 * could be made. */
bool mail_listeners_check(const struct config *config, struct tls *tls, char *error,
			  size_t error_size);

#endif
