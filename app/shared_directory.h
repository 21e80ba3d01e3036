/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of domains and keys for threads and commands: a thread of its own keeps it fresh,
 * readers lock it for a moment. (An ingest process has one thread and app/directory_cache.h.)
 */
#ifndef BOUNCED_APP_SHARED_DIRECTORY_H
#define BOUNCED_APP_SHARED_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/directory.h"

struct shared_directory;

/* Begins to load. master_key: borrowed. NULL where no thread could be started. */
struct shared_directory *shared_directory_start(const char *dsn, const uint8_t *master_key);
/* NULL is fine. */
void shared_directory_stop(struct shared_directory *shared);

/* Locks it for the caller, who must not block until shared_directory_unlock(); NULL (and nothing to
 * unlock) until the first load. */
const struct directory *shared_directory_lock(struct shared_directory *shared);
void shared_directory_unlock(struct shared_directory *shared);

/* Blocks until the first load ended; false: it failed, or the database does not answer. */
bool shared_directory_wait(struct shared_directory *shared);

/*
 * Blocks until it was loaded again, for whoever met something that it does not know. false: it was
 * loaded less than LIMIT_DIRECTORY_FORCED_MS ago, or the database does not answer.
 */
bool shared_directory_refresh(struct shared_directory *shared);

#endif
