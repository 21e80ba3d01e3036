/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole message through the parser, on a stack of 256 KB, so that what recurses shows: the same
 * bytes give the same report with and without the trail, the report survives its encoding within
 * all limits, its JSON is valid, and memory is linear in the message's size. libFuzzer does not see
 * into GMime, so the seeds matter: those of tests/fixtures are taken too.
 */
#include <pthread.h>

#include "core/arena.h"
#include "core/limits.h"
#include "core/report_json.h"
#include "core/report_wire.h"
#include "core/utf8.h"
#include "parser/parser.h"
#include "parser/rules.h"
#include "tests/fuzz/check.h"

#define STACK_SIZE (256 * 1024)
/* A honest report takes some 10 KB and thrice its size. */
#define MEMORY_BASE     (64 * 1024)
#define MEMORY_PER_BYTE 128

static struct rules *rules;
static struct arena *arena;

static void encode(struct slice raw, bool explain, struct buf *wire)
{
	struct report report;

	arena_reset(arena);
	parser_parse(raw, rules, explain, arena, &report);
	require(arena_used(arena) <= MEMORY_BASE + MEMORY_PER_BYTE * raw.len);
	report.trail = SLICE_NONE;
	report_wire_encode(&report, wire);
	require(!wire->full);
}

static void check_json(const struct report *report)
{
	struct json_writer json;
	struct buf out;

	buf_init(&out, 16 * LIMIT_REPORT_WIRE);
	json_init(&json, &out);
	json_object_begin(&json);
	report_json_members(&json, report, VOCABULARY_NONE);
	json_object_end(&json);
	require(!out.full && utf8_valid(buf_slice(&out)));
	buf_done(&out);
}

static void check_report(struct slice wire)
{
	struct report report;
	struct buf again;

	/* The decoder checks every limit. */
	require(report_wire_decode(wire, arena, &report) == OK);
	require(report.kind != REPORT_BOUNCE || report.recipient_count > 0);
	require((report.kind == REPORT_QUARANTINED) == (report.quarantine.len > 0));
	for (size_t i = 0; i < report.recipient_count; i++) {
		const struct report_recipient *recipient = &report.recipients[i];
		require(report.kind != REPORT_BOUNCE || recipient->severity != SEVERITY_NONE ||
			recipient->action != ACTION_FAILED);
	}
	buf_init(&again, LIMIT_REPORT_WIRE);
	report_wire_encode(&report, &again);
	require(slice_equal(wire, buf_slice(&again)));
	check_json(&report);
	buf_done(&again);
}

static void *run(void *argument)
{
	const struct slice *raw = argument;
	struct buf first, second;

	buf_init(&first, LIMIT_REPORT_WIRE);
	buf_init(&second, LIMIT_REPORT_WIRE);
	encode(*raw, false, &first);
	encode(*raw, true, &second);
	require(slice_equal(buf_slice(&first), buf_slice(&second)));
	check_report(buf_slice(&first));
	buf_done(&first);
	buf_done(&second);
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice raw = slice_from((const char *)data, size);
	pthread_attr_t attributes;
	pthread_t thread;

	if (!rules) {
		parser_init();
		rules = rules_builtin();
		arena = arena_new(0);
	}
	require(pthread_attr_init(&attributes) == 0);
	require(pthread_attr_setstacksize(&attributes, STACK_SIZE) == 0);
	require(pthread_create(&thread, &attributes, run, &raw) == 0);
	require(pthread_join(thread, NULL) == 0);
	pthread_attr_destroy(&attributes);
	return 0;
}
