/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration says about DNS block lists (dnsbl.*). */
#ifndef BOUNCED_APP_SCREENING_H
#define BOUNCED_APP_SCREENING_H

#include <stdbool.h>
#include <stddef.h>

#include "core/config.h"
#include "ingest/block_lists.h"

struct screening {
	struct block_list lists[BLOCK_LISTS_MAX]; /* point into the configuration */
	size_t count;
};

/* false: `error` names the key that is wrong. */
bool screening_read(const struct config *config, struct screening *ret_screening, char *error,
		    size_t error_size);
/* The lists ready to be asked, or NULL where none is configured. screening is borrowed. */
struct block_lists *screening_start(const struct screening *screening, const struct config *config,
				    struct event_base *base, struct resolver_interface resolver);

#endif
