/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages that a benchmark sends: a file of entries, each a line "<recipient> <length>" and
 * then the message as it goes over the wire, dot-stuffed and with its end-of-data.
 */
#ifndef BOUNCED_BENCH_SPOOL_H
#define BOUNCED_BENCH_SPOOL_H

#include <stddef.h>

#include "core/arena.h"
#include "core/slice.h"

struct spool_message {
	struct slice recipient;
	struct slice wire;
};

struct spool {
	struct spool_message *messages;
	size_t count;
};

/* Everything lives in the arena. Ends the program when the file cannot be read. */
struct spool spool_read(const char *path, struct arena *arena);
/* Seconds of CLOCK_MONOTONIC. */
double seconds_now(void);
_Noreturn void die(const char *what, const char *why);

#endif
