/* SPDX-License-Identifier: Apache-2.0 */
#include "app/backoff.h"

int64_t backoff_next(struct backoff *backoff, int64_t ran_ms)
{
	if (ran_ms >= BACKOFF_GOOD_RUN_MS) {
		backoff->delay_ms = 0;
		return 0;
	}

	int64_t doubled = backoff->delay_ms > 0 ? backoff->delay_ms * 2 : BACKOFF_FIRST_MS;

	backoff->delay_ms = doubled < BACKOFF_MAX_MS ? doubled : BACKOFF_MAX_MS;
	return backoff->delay_ms;
}
