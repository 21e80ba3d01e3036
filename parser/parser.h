/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser library's one entry point: bytes in, report out. Pure: no clock, no log, no files, no
 * sockets. It never fails on account of its input; what cannot be read is kind `none`, what cannot
 * be read safely is kind `quarantined`.
 */
#ifndef BOUNCED_PARSER_PARSER_H
#define BOUNCED_PARSER_PARSER_H

#include "core/arena.h"
#include "core/report.h"
#include "core/slice.h"

struct rules;

/* Once per process, before the first message and before the sandbox closes: sets GMime up and opens
 * the iconv descriptors that stay open. */
void parser_init(void);

/*
 * rules: borrowed. explain: fill report->trail. The report's text lives in the arena or points into
 * `raw`, which must outlive it.
 */
void parser_parse(struct slice raw, const struct rules *rules, bool explain, struct arena *arena,
		  struct report *ret_report);

#endif
