/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole message through the parser: the same bytes give the same report, the report survives its
 * encoding, and it stays within its limits. libFuzzer does not see into GMime, so its seeds matter.
 */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/limits.h"
#include "core/report_wire.h"
#include "parser/parser.h"
#include "parser/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode(struct slice raw, const struct rules *rules, bool explain, struct arena *arena,
		   struct buf *wire)
{
	struct report report;

	parser_parse(raw, rules, explain, arena, &report);
	if (report.recipient_count > LIMIT_REPORT_RECIPIENTS ||
	    report.candidate_count > LIMIT_TOKEN_CANDIDATES)
		abort();
	for (size_t i = 0; i < report.recipient_count; i++) {
		if (report.recipients[i].address.len > LIMIT_ADDRESS ||
		    report.recipients[i].diagnostic.len > LIMIT_DIAGNOSTIC)
			abort();
	}
	report.trail = SLICE_NONE;
	report_wire_encode(&report, wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rules *rules;
	static struct arena *arena;
	struct report decoded;
	struct buf first;
	struct buf second;

	if (!rules) {
		parser_init();
		rules = rules_builtin();
		arena = arena_new(0);
	}
	struct slice raw = slice_from((const char *)data, size);
	buf_init(&first, LIMIT_REPORT_WIRE);
	buf_init(&second, LIMIT_REPORT_WIRE);
	encode(raw, rules, false, arena, &first);
	encode(raw, rules, true, arena, &second);
	if (first.full || !slice_equal(buf_slice(&first), buf_slice(&second)))
		abort();
	if (report_wire_decode(buf_slice(&first), arena, &decoded) != OK)
		abort();
	buf_done(&first);
	buf_done(&second);
	arena_reset(arena);
	return 0;
}
