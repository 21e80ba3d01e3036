/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/eod.h"

#include <assert.h>
#include <string.h>

/* One call's view of the bytes. [run, at) is passed but not yet written. */
struct scan {
	struct eod_scanner *scanner;
	struct buf *out;
	const char *at;
	const char *end;
	const char *run;
	const char *lf; /* the next LF, `end` when there is none; NULL until looked for */
};

void eod_init(struct eod_scanner *scanner)
{
	*scanner = (struct eod_scanner){ .state = EOD_LINE_START };
}

/* Writes the run; a new one begins at `next`. */
static void flush_run(struct scan *scan, const char *next)
{
	size_t len = (size_t)(scan->at - scan->run);

	if (len > 0) {
		if (!scan->scanner->nul && memchr(scan->run, '\0', len) != NULL)
			scan->scanner->nul = true;
		buf_append(scan->out, slice_from(scan->run, len));
	}
	scan->run = next;
}

/* Goes to behind the next CR, or to the end. */
static void scan_middle(struct scan *scan)
{
	const char *cr;

	for (;;) {
		/* Remembered, lest many lone CRs before one far LF make this quadratic. */
		if (scan->lf == NULL || scan->lf < scan->at) {
			scan->lf = memchr(scan->at, '\n', (size_t)(scan->end - scan->at));
			if (scan->lf == NULL)
				scan->lf = scan->end;
		}
		cr = memchr(scan->at, '\r', (size_t)(scan->lf - scan->at));
		if (cr != NULL || scan->lf == scan->end)
			break;
		scan->scanner->bare_lf = true;
		scan->at = scan->lf + 1;
	}
	scan->at = cr == NULL ? scan->end : cr + 1;
	if (cr != NULL)
		scan->scanner->state = EOD_CR;
}

static void scan_cr(struct scan *scan)
{
	if (*scan->at == '\n') {
		scan->at++;
		scan->scanner->state = EOD_LINE_START;
		return;
	}
	scan->scanner->bare_cr = true;
	if (*scan->at == '\r')
		scan->at++;
	else
		scan->scanner->state = EOD_MIDDLE;
}

static void scan_line_start(struct scan *scan)
{
	if (*scan->at != '.') {
		scan->scanner->state = EOD_MIDDLE;
		return;
	}
	flush_run(scan, scan->at + 1);
	scan->at++;
	scan->scanner->state = EOD_DOT;
}

/* The dot is dropped (RFC 5321 4.5.2), a CR behind it held back. */
static void scan_dot(struct scan *scan)
{
	if (*scan->at != '\r') {
		scan->scanner->state = EOD_MIDDLE;
		return;
	}
	scan->at++;
	scan->run = scan->at;
	scan->scanner->state = EOD_DOT_CR;
}

static void scan_dot_cr(struct scan *scan)
{
	if (*scan->at == '\n') {
		scan->at++;
		scan->run = scan->at;
		scan->scanner->state = EOD_END;
		return;
	}
	buf_append_byte(scan->out, '\r');
	scan->scanner->state = EOD_CR;
}

/* What the state wants. false: the message has ended. */
static bool scan_on(struct scan *scan)
{
	switch (scan->scanner->state) {
	case EOD_LINE_START:
		scan_line_start(scan);
		return true;
	case EOD_MIDDLE:
		scan_middle(scan);
		return true;
	case EOD_CR:
		scan_cr(scan);
		return true;
	case EOD_DOT:
		scan_dot(scan);
		return true;
	case EOD_DOT_CR:
		scan_dot_cr(scan);
		return true;
	case EOD_END:
	default:
		return false;
	}
}

size_t eod_scan(struct eod_scanner *scanner, struct slice bytes, struct buf *out)
{
	struct scan scan = {
		.scanner = scanner,
		.out = out,
		.at = bytes.ptr,
		.end = bytes.ptr + bytes.len,
		.run = bytes.ptr,
	};

	assert(scanner->state != EOD_END);
	while (scan.at < scan.end && scan_on(&scan))
		;
	flush_run(&scan, scan.at);
	return (size_t)(scan.at - bytes.ptr);
}
