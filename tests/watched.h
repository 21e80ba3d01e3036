/* SPDX-License-Identifier: Apache-2.0 */
/* tests/run says so when a test runs many times slower than by itself: under valgrind or the thread
 * sanitizer. Then sizes shrink and limits of time grow. */
#ifndef BOUNCED_TESTS_WATCHED_H
#define BOUNCED_TESTS_WATCHED_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Times slower, at most; 1 without such a watcher. */
static inline unsigned watched_times_slower(void)
{
	return getenv("BOUNCED_WATCHED") != NULL ? 50 : 1;
}

static inline bool watched_by_valgrind(void)
{
	const char *by = getenv("BOUNCED_WATCHED");

	return by != NULL && strcmp(by, "valgrind") == 0;
}

#endif
