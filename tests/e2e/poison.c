/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In place of parser_parse() in the program that test_reliability_poison.py runs: dies of some
 * messages, never comes back from others, as an unknown fault of a library would.
 */
#include "core/arena.h"
#include "core/report.h"
#include "core/slice.h"

struct rules;

/* What the linker calls them with --wrap=parser_parse. */
void __real_parser_parse(struct slice raw, const struct rules *rules, bool explain,
			 struct arena *arena, struct report *ret_report);
void __wrap_parser_parse(struct slice raw, const struct rules *rules, bool explain,
			 struct arena *arena, struct report *ret_report);

static volatile bool hanging = true;

void __wrap_parser_parse(struct slice raw, const struct rules *rules, bool explain,
			 struct arena *arena, struct report *ret_report)
{
	if (slice_find(raw, SLICE("X-Poison: crash\r\n")) >= 0)
		__builtin_trap();
	if (slice_find(raw, SLICE("X-Poison: hang\r\n")) >= 0)
		while (hanging)
			;
	__real_parser_parse(raw, rules, explain, arena, ret_report);
}
