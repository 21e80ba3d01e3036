/* SPDX-License-Identifier: Apache-2.0 */
#include "app/directory_cache.h"

#include <stdlib.h>

#include "app/watch.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/timestamp.h"
#include "store/directory.h"

struct directory_cache {
	struct directory_loader *loader;
	struct watch *watch;
	struct directory *directory;
	int64_t refresh_at;
	bool loading;
	bool failing; /* said once in the log until it works again */
	bool asked;   /* somebody waits for on_fresh() */
	void (*on_fresh)(void *context, bool loaded);
	void *context;
};

static void log_state(struct directory_cache *cache, bool failed)
{
	if (failed && !cache->failing)
		log_event(LOG_WARNING, "directory_unavailable");
	if (!failed && cache->failing)
		log_event(LOG_INFO, "directory_available");
	cache->failing = failed;
}

static void finish_load(struct directory_cache *cache, struct directory *loaded)
{
	bool asked = cache->asked;

	if (loaded != NULL) {
		directory_free(cache->directory);
		cache->directory = loaded;
	}
	log_state(cache, loaded == NULL);
	cache->loading = cache->asked = false;
	cache->refresh_at = time_monotonic_ms() + (loaded == NULL ? LIMIT_DIRECTORY_FORCED_MS
								  : LIMIT_DIRECTORY_REFRESH_MS);
	if (asked)
		cache->on_fresh(cache->context, loaded != NULL);
}

static void advance(void *context)
{
	struct directory_cache *cache = context;
	struct directory *loaded = NULL;
	int64_t now = time_monotonic_ms();

	if (!cache->loading && now >= cache->refresh_at) {
		directory_loader_request(cache->loader);
		cache->loading = true;
	}
	if (cache->loading) {
		switch (directory_loader_step(cache->loader, now, &loaded)) {
		case DIRECTORY_WAIT:
			break;
		case DIRECTORY_LOADED:
		case DIRECTORY_FAILED:
			finish_load(cache, loaded);
			break;
		}
	}
	/* Between loads nobody reads the connection: watching it would spin once the server closes
	 * it. */
	if (cache->loading)
		watch_update(cache->watch, directory_loader_fd(cache->loader), true,
			     directory_loader_wants_write(cache->loader),
			     directory_loader_deadline(cache->loader));
	else
		watch_update(cache->watch, -1, false, false, cache->refresh_at);
}

struct directory_cache *directory_cache_new(struct event_base *base, const char *dsn,
					    const uint8_t *master_key,
					    void (*on_fresh)(void *context, bool loaded),
					    void *context)
{
	struct directory_cache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL)
		abort();
	cache->on_fresh = on_fresh;
	cache->context = context;
	cache->loader = directory_loader_new(dsn, master_key);
	directory_loader_announce(cache->loader);
	cache->watch = watch_new(base, advance, cache);
	advance(cache);
	return cache;
}

void directory_cache_free(struct directory_cache *cache)
{
	if (cache == NULL)
		return;
	watch_free(cache->watch);
	directory_loader_free(cache->loader);
	directory_free(cache->directory);
	free(cache);
}

const struct directory *directory_cache_get(const struct directory_cache *cache)
{
	return cache->directory;
}

static int64_t useful_again_at(const struct directory_cache *cache)
{
	return cache->directory != NULL ? cache->directory->loaded_at + LIMIT_DIRECTORY_FORCED_MS
					: 0;
}

void directory_cache_await(struct directory_cache *cache)
{
	cache->asked = true;
	if (!cache->loading) {
		cache->refresh_at = useful_again_at(cache);
		watch_update(cache->watch, -1, false, false, cache->refresh_at);
	}
}

bool directory_cache_refresh(struct directory_cache *cache)
{
	if (!cache->loading && time_monotonic_ms() < useful_again_at(cache))
		return false;
	directory_cache_await(cache);
	return true;
}
