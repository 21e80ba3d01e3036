/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of SMTP data (RFC 5321 4.1.1.4): finds CRLF.CRLF and undoes dot-stuffing. Nothing else
 * ends data, whatever other mailers take for a line end (SMTP smuggling, CVE-2023-51764 and kin):
 * lone CR and LF and NUL are data, kept as they came and flagged.
 *
 * The result does not depend on how the bytes were cut into pieces.
 */
#ifndef BOUNCED_INGEST_EOD_H
#define BOUNCED_INGEST_EOD_H

#include <stdbool.h>

#include "core/buf.h"
#include "core/slice.h"

enum eod_state {
	EOD_LINE_START, /* behind a CRLF, or at the start of the data */
	EOD_MIDDLE,
	EOD_CR,     /* behind a CR that is not the one of EOD_DOT_CR */
	EOD_DOT,    /* a dot at the start of a line, not yet written */
	EOD_DOT_CR, /* that dot and a CR, neither yet written */
	EOD_END,
};

struct eod_scanner {
	enum eod_state state;
	bool bare_cr;
	bool bare_lf;
	bool nul;
};

void eod_init(struct eod_scanner *scanner);
/*
 * Appends the message's bytes to `out`, whose `full` says when it became too long. Returns how many
 * bytes were consumed: all of them, or those up to the end of the data; then state is EOD_END.
 */
size_t eod_scan(struct eod_scanner *scanner, struct slice bytes, struct buf *out);

#endif
