/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration says about the limits of clients that send mail. */
#ifndef BOUNCED_APP_MAIL_LIMITS_H
#define BOUNCED_APP_MAIL_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/config.h"
#include "core/network.h"
#include "ingest/peer_limits.h"
#include "ingest/smtp_session.h"

#define MAIL_LIMITS_NETWORKS 32

struct mail_limits_trusted {
	struct ip_network networks[MAIL_LIMITS_NETWORKS];
	size_t count;
};

/* For so many ingest processes, before they are forked. *fd: the memory's descriptor; at first that
 * which an earlier program left, whose table is used on where it will do, or -1. */
struct peer_limits *mail_limits_open(const struct config *config, unsigned processes, int *fd);
/* Other limits for a table in use. false: it is too small for so many connections. */
bool mail_limits_apply(const struct config *config, struct peer_limits *limits);
/* false: `error` names what is wrong with smtp.trusted_networks. */
bool mail_limits_trusted(const struct config *config, struct mail_limits_trusted *ret_trusted,
			 char *error, size_t error_size);
void mail_limits_set_times(const struct config *config, struct smtp_settings *settings);

#endif
