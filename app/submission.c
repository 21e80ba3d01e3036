/* SPDX-License-Identifier: Apache-2.0 */
#include "app/submission.h"

#include <string.h>

bool submission_key_read(struct slice password, struct submission_key *ret_key)
{
	struct api_key_text text;

	if (!api_key_read(password, &text))
		return false;
	memcpy(ret_key->id, text.id.ptr, sizeof(ret_key->id));
	memcpy(ret_key->secret_sha256, text.secret_sha256, SHA256_LEN);
	return true;
}

enum submission_verdict submission_check(const struct directory *directory,
					 const struct submission_key *key, int64_t unix_ms,
					 bool refreshed, uint64_t *ret_account_id)
{
	const struct directory_api_key *known =
		directory_api_key_find(directory, slice_from(key->id, sizeof(key->id)));

	if (known == NULL)
		return refreshed ? SUBMISSION_REFUSE : SUBMISSION_REFRESH;
	if (!bytes_equal_constant_time(key->secret_sha256, known->secret_sha256, SHA256_LEN) ||
	    known->expires_at <= unix_ms)
		return SUBMISSION_REFUSE;
	*ret_account_id = known->account_id;
	return SUBMISSION_ACCEPT;
}
