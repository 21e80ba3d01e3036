/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end-of-data scanner: a message cut anywhere ends at the same byte with the same content and
 * flags as the whole one. The first byte chooses the size of the pieces.
 */
#include <stdlib.h>

#include "ingest/eod.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
	struct eod_scanner scanner;
	size_t consumed;
	struct buf out;
};

static struct result scan(struct slice data, size_t piece)
{
	struct result result = { 0 };
	size_t used = 0;

	eod_init(&result.scanner);
	buf_init(&result.out, data.len);
	while (result.consumed < data.len && result.scanner.state != EOD_END) {
		struct slice next = slice_head(slice_skip(data, result.consumed), piece);

		used = eod_scan(&result.scanner, next, &result.out);
		if (used != next.len && result.scanner.state != EOD_END)
			abort();
		result.consumed += used;
	}
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct slice text = slice_from((const char *)data + 1, size - 1);
	struct result whole = scan(text, size);
	struct result pieces = scan(text, 1 + data[0]);

	if (whole.consumed != pieces.consumed || whole.scanner.state != pieces.scanner.state ||
	    whole.scanner.bare_cr != pieces.scanner.bare_cr ||
	    whole.scanner.bare_lf != pieces.scanner.bare_lf ||
	    whole.scanner.nul != pieces.scanner.nul || whole.out.full ||
	    !slice_equal(buf_slice(&whole.out), buf_slice(&pieces.out)))
		abort();
	/* It ended where the definition says, and nowhere before. */
	if (whole.scanner.state == EOD_END &&
	    !slice_ends_with(slice_head(text, whole.consumed),
			     whole.consumed == 3 ? SLICE(".\r\n") : SLICE("\r\n.\r\n")))
		abort();
	if (slice_find(slice_head(text, whole.consumed - (whole.consumed > 0)),
		       SLICE("\r\n.\r\n")) >= 0)
		abort();
	buf_done(&whole.out);
	buf_done(&pieces.out);
	return 0;
}
