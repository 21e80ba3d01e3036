/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ingest's copy of the directory: loaded at the start, every LIMIT_DIRECTORY_REFRESH_MS, and at
 * once when somebody met a domain, account or key that it does not know. Tells the database which
 * token keys this process can verify.
 */
#ifndef BOUNCED_APP_DIRECTORY_CACHE_H
#define BOUNCED_APP_DIRECTORY_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>

#include "core/directory.h"

struct directory_cache;

/* on_fresh(context, loaded) is called after each load that was asked for. */
struct directory_cache *directory_cache_new(struct event_base *base, const char *dsn,
					    const uint8_t *master_key,
					    void (*on_fresh)(void *context, bool loaded),
					    void *context);
void directory_cache_free(struct directory_cache *cache);
/* NULL until the first load. Valid until control returns to the event loop. */
const struct directory *directory_cache_get(const struct directory_cache *cache);
/* false: it was loaded less than LIMIT_DIRECTORY_FORCED_MS ago, so asking again is no use. */
bool directory_cache_refresh(struct directory_cache *cache);
/* The same for whoever rather waits until asking is of use again. */
void directory_cache_await(struct directory_cache *cache);

#endif
