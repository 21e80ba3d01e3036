/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of what one client and we say to each other, for diagnosis. A line each: time, connection,
 * "C:" or "S:", text with control characters replaced. The sessions leave out credentials and the
 * messages themselves.
 *
 * Several processes may write to one file. Past TRANSCRIPT_SIZE it is renamed to FILE.1, which it
 * replaces.
 */
#ifndef BOUNCED_INGEST_TRANSCRIPT_H
#define BOUNCED_INGEST_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/slice.h"

#define TRANSCRIPT_SIZE (10 * 1024 * 1024)

struct transcript;

/* path, peer: borrowed. size: beyond it the file is rotated. Caller frees. */
struct transcript *transcript_new(const char *path, struct slice peer, size_t size);
void transcript_free(struct transcript *transcript);
/* Whether that client's sessions are wanted. */
bool transcript_wants(const struct transcript *transcript, struct slice peer);
/* What cannot be written is lost; the first failure is logged. */
void transcript_write(struct transcript *transcript, uint64_t connection, bool from_client,
		      struct slice text);

#endif
