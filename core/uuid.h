/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UUIDs, version 7 (RFC 9562): the first 48 bits are the Unix time in milliseconds, so that an id
 * orders by time and names the partition that holds its row.
 */
#ifndef BOUNCED_CORE_UUID_H
#define BOUNCED_CORE_UUID_H

#include <stdbool.h>
#include <stdint.h>

#include "core/slice.h"

#define UUID_TEXT_LEN 36

struct uuid {
	uint8_t bytes[16];
};

/* Strictly increasing within one process and millisecond. */
struct uuid uuid_v7(int64_t unix_ms);
int64_t uuid_unix_ms(const struct uuid *uuid);
/* Lower case with hyphens; writes UUID_TEXT_LEN bytes and a NUL. */
void uuid_format(const struct uuid *uuid, char ret_text[UUID_TEXT_LEN + 1]);
bool uuid_parse(struct slice text, struct uuid *ret_uuid);

#endif
