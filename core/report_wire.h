/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report as bytes, for its way out of the sandboxed parser child. The decoder trusts nothing: the
 * child may have been taken over by the message it read.
 */
#ifndef BOUNCED_CORE_REPORT_WIRE_H
#define BOUNCED_CORE_REPORT_WIRE_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/report.h"

/* out->full is set when it did not fit. */
void report_wire_encode(const struct report *report, struct buf *out);
/* Slices of *ret_report point into `wire`. ERR_REFUSE for anything but exactly one encoded report
 * within the limits of core/limits.h; *ret_report is then untouched. */
enum err report_wire_decode(struct slice wire, struct arena *arena,
			    struct report *ret_report) MUST_CHECK;

#endif
