/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct slice read_file(const char *path, struct arena *arena)
{
	FILE *file = fopen(path, "rb");
	if (!file || fseek(file, 0, SEEK_END) != 0)
		die(path, strerror(errno));
	long size = ftell(file);
	if (size < 0)
		die(path, strerror(errno));
	rewind(file);
	char *data = arena_alloc(arena, (size_t)size + 1);
	if (fread(data, 1, (size_t)size, file) != (size_t)size)
		die(path, "short read");
	fclose(file);
	return slice_from(data, (size_t)size);
}

struct spool spool_read(const char *path, struct arena *arena)
{
	struct slice rest = read_file(path, arena);
	struct slice line;
	struct spool spool = { NULL, 0 };
	size_t cap = 0;
	while (slice_next_line(&rest, &line)) {
		struct spool_message message;
		struct slice length = line;
		uint64_t size;
		if (!slice_next_field(&length, ' ', &message.recipient) ||
		    !slice_to_u64(length, &size) || size > rest.len)
			die(path, "not a spool file");
		message.wire = slice_head(rest, (size_t)size);
		rest = slice_skip(rest, (size_t)size);
		if (spool.count == cap) {
			cap = cap ? cap * 2 : 1024;
			struct spool_message *grown = ARENA_ARRAY(arena, struct spool_message, cap);
			if (spool.count)
				memcpy(grown, spool.messages, spool.count * sizeof(*grown));
			spool.messages = grown;
		}
		spool.messages[spool.count++] = message;
	}
	if (spool.count == 0)
		die(path, "no messages");
	return spool;
}
