/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The returned message's headers: what the report says about the mail that it is about, and the
 * texts in it that may be our tokens.
 */
#ifndef BOUNCED_PARSER_ORIGINAL_H
#define BOUNCED_PARSER_ORIGINAL_H

#include "core/report.h"
#include "parser/reader.h"

/* The headers of what was returned: of the embedded message or header part, else of the text that
 * the reader found. An empty block where nothing was returned. */
void original_headers(const struct message *message, const struct reading *reading,
		      struct header_block *ret_headers);
/* Fills report->original from them; the return path also from what the report's own fields say. */
void original_describe(const struct header_block *headers, const struct reading *reading,
		       struct report *report);
/*
 * Fills report->candidates: each distinct local part "b-…" in the returned headers, in the order of
 * enum candidate_place, then of the recipients and the report's own X-Failed-Recipients.
 */
void original_candidates(const struct header_block *headers, const struct message *message,
			 struct report *report);

#endif
