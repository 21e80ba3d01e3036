/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads the directory of domains, accounts, token keys and API keys of scope ingest for ingest's
 * cache, without blocking. A loader that announces itself tells the database what it knows, so that
 * a token key is not activated before every ingest process can verify it.
 */
#ifndef BOUNCED_STORE_DIRECTORY_H
#define BOUNCED_STORE_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/directory.h"
#include "core/hash.h"

struct directory_loader;

/* Its own connection. master_key: decrypts the token keys; borrowed. */
struct directory_loader *directory_loader_new(const char *dsn,
					      const uint8_t master_key[SECRETBOX_KEY_LEN]);
/* From now on each load tells first that this process lives, and which next keys it has loaded.
 * Needs the rights of ingest. */
void directory_loader_announce(struct directory_loader *loader);
void directory_loader_free(struct directory_loader *loader);

int directory_loader_fd(const struct directory_loader *loader);
bool directory_loader_wants_write(const struct directory_loader *loader);
int64_t directory_loader_deadline(const struct directory_loader *loader);
/* Asks for a fresh directory; a no-op while one is being loaded. */
void directory_loader_request(struct directory_loader *loader);

enum directory_step {
	DIRECTORY_WAIT,
	DIRECTORY_LOADED, /* *ret_directory moves to the caller */
	DIRECTORY_FAILED, /* database away; the request is forgotten */
};

enum directory_step directory_loader_step(struct directory_loader *loader, int64_t now_ms,
					  struct directory **ret_directory);

#endif
