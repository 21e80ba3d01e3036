/* SPDX-License-Identifier: Apache-2.0 */
/* What fuzz targets share: the function that libFuzzer and replay.c call, and how an invariant is
 * stated. */
#ifndef BOUNCED_TESTS_FUZZ_CHECK_H
#define BOUNCED_TESTS_FUZZ_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run with a finding. */
#define require(condition) ((condition) ? (void)0 : abort())

/* Whether part lies in whole; what is empty lies anywhere. */
static inline bool lies_in(struct slice part, struct slice whole)
{
	return part.len == 0 || (part.ptr >= whole.ptr && part.len <= whole.len &&
				 (size_t)(part.ptr - whole.ptr) <= whole.len - part.len);
}

static inline bool is_digits(struct slice text, size_t count)
{
	uint64_t ignored;

	return text.len == count && slice_to_u64(text, &ignored);
}

#endif
