/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points in time are int64_t milliseconds since 1970-01-01T00:00:00Z; TIME_NONE is absence.
 * Code that can be tested with a fixed time takes the time as an argument; only shells call
 * time_now_ms().
 */
#ifndef BOUNCED_CORE_TIMESTAMP_H
#define BOUNCED_CORE_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/slice.h"

#define TIME_NONE      INT64_MIN
#define TIME_DAY_MS    INT64_C(86400000)
#define TIME_HOUR_MS   INT64_C(3600000)
#define TOKEN_EPOCH_MS INT64_C(1735689600000) /* 2025-01-01T00:00:00Z */
#define TIME_TEXT_LEN  24                     /* 2026-01-02T03:04:05.678Z */

int64_t time_now_ms(void);
/* CLOCK_MONOTONIC, for deadlines. */
int64_t time_monotonic_ms(void);

/* RFC 3339 in UTC with milliseconds; writes TIME_TEXT_LEN bytes and a NUL. Years 0000..9999. */
void time_format_rfc3339(int64_t unix_ms, char ret_text[TIME_TEXT_LEN + 1]);
/* RFC 3339 with any offset, fraction optional; also a bare date, taken as its midnight in UTC. */
bool time_parse_rfc3339(struct slice text, int64_t *ret_unix_ms);
/*
 * RFC 5322 date-time as mail has it in fact: day name optional, obsolete zones and years, missing
 * seconds, comments behind, zones as names. An unknown zone counts as UTC.
 */
bool time_parse_rfc5322(struct slice text, int64_t *ret_unix_ms);

/* Whole days since 2025-01-01 (the token's epoch), negative before. */
int32_t time_token_day(int64_t unix_ms);

#endif
