/* SPDX-License-Identifier: Apache-2.0 */
/* Who may hand over reports by SMTP AUTH: the password is an API key of scope ingest, the user's
 * name is of no consequence. Pure. */
#ifndef BOUNCED_APP_SUBMISSION_H
#define BOUNCED_APP_SUBMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/directory.h"
#include "core/hash.h"
#include "store/api_key.h"

/* What is kept of a password. */
struct submission_key {
	char id[API_KEY_ID_LEN];
	uint8_t secret_sha256[SHA256_LEN];
};

enum submission_verdict {
	SUBMISSION_ACCEPT,
	SUBMISSION_REFUSE,
	SUBMISSION_REFRESH, /* not known to this directory: load a fresh one, and ask again */
};

/* false: it cannot be a key. */
bool submission_key_read(struct slice password, struct submission_key *ret_key);
/* refreshed: the directory is as fresh as can be. */
enum submission_verdict submission_check(const struct directory *directory,
					 const struct submission_key *key, int64_t unix_ms,
					 bool refreshed, uint64_t *ret_account_id);

#endif
