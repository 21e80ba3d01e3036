/* SPDX-License-Identifier: Apache-2.0 */
/* The report on the wire from the parser child, and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/limits.h"
#include "core/report_json.h"
#include "core/report_wire.h"
#include "core/timestamp.h"

static int setup(void **state)
{
	*state = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static struct report_recipient recipients[2];
static struct token_candidate candidates[1];
static struct report_identifier identifiers[2];

static struct report sample(void)
{
	recipients[0] = (struct report_recipient){
		.address = SLICE("user@example.com"),
		.original = SLICE("alias@example.com"),
		.action = ACTION_FAILED,
		.status = SLICE("5.1.1"),
		.reply_code = SLICE("550"),
		.reason = REASON_USERUNKNOWN,
		.severity = SEVERITY_HARD,
		.class_ = CLASS_RECIPIENT,
		.remote_mta = SLICE("mx.example.com"),
		.diagnostic = SLICE("550 5.1.1 no such user"),
		.rule = SLICE("text/no-such-user"),
		.matched = SLICE("no such user"),
	};
	recipients[1] = (struct report_recipient){ .redacted = true };
	identifiers[0] = (struct report_identifier){ SLICE("verp"), SLICE("user@example.com") };
	identifiers[1] = (struct report_identifier){ SLICE("x-kumoref"), SLICE("17") };
	candidates[0] = (struct token_candidate){ SLICE("b-abc"), CANDIDATE_RETURN_PATH };
	return (struct report){
		.kind = REPORT_BOUNCE,
		.format = SLICE("rfc3464"),
		.reporting_mta = SLICE("mta.example.net"),
		.arrival_date = 1735689600123,
		.date = TIME_NONE,
		.message_id = SLICE("id@mta.example.net"),
		.recipients = recipients,
		.recipient_count = 2,
		.original = { .present = true,
			      .subject = SLICE("Hello"),
			      .identifiers = identifiers,
			      .identifier_count = 2 },
		.candidates = candidates,
		.candidate_count = 1,
	};
}

static void print(const struct report *report, struct buf *out)
{
	struct json_writer json;

	json_init(&json, out);
	json_object_begin(&json);
	report_json_members(&json, report, VOCABULARY_NONE);
	json_object_end(&json);
}

static void test_wire_round_trip(void **state)
{
	struct report report = sample(), again;
	struct buf wire, first, second;

	buf_init(&wire, LIMIT_REPORT_WIRE);
	buf_init(&first, 10000);
	buf_init(&second, 10000);
	report_wire_encode(&report, &wire);
	assert_false(wire.full);
	assert_int_equal(report_wire_decode(buf_slice(&wire), *state, &again), OK);
	print(&report, &first);
	print(&again, &second);
	assert_true(slice_equal(buf_slice(&first), buf_slice(&second)));
	assert_int_equal(again.candidate_count, 1);
	assert_true(slice_equal(again.candidates[0].text, SLICE("b-abc")));
	assert_int_equal(again.candidates[0].place, CANDIDATE_RETURN_PATH);
	assert_true(again.recipients[1].redacted);
	buf_done(&wire);
	buf_done(&first);
	buf_done(&second);
}

/* The child may be taken over: whatever it sends is refused or is a report within its limits. */
static void test_wire_refuses_what_is_cut_or_longer(void **state)
{
	struct report report = sample(), again;
	struct buf wire;

	buf_init(&wire, LIMIT_REPORT_WIRE);
	report_wire_encode(&report, &wire);
	for (size_t len = 0; len < wire.len; len++) {
		/* a copy of its own, so that the sanitizer sees a read behind the end */
		struct slice cut = arena_copy(*state, slice_head(buf_slice(&wire), len));

		assert_int_equal(report_wire_decode(cut, *state, &again), ERR_REFUSE);
	}
	buf_append_byte(&wire, 'x');
	assert_int_equal(report_wire_decode(buf_slice(&wire), *state, &again), ERR_REFUSE);
	buf_done(&wire);
}

static void test_wire_survives_every_changed_byte(void **state)
{
	struct report report = sample();
	struct buf wire;

	(void)state;
	buf_init(&wire, LIMIT_REPORT_WIRE);
	report_wire_encode(&report, &wire);
	for (size_t at = 0; at < wire.len; at++) {
		for (unsigned change = 1; change < 256; change += 51) {
			struct arena *arena = arena_new(0);
			struct report again;

			wire.data[at] = (char)(wire.data[at] ^ (char)change);
			if (report_wire_decode(buf_slice(&wire), arena, &again) == OK) {
				assert_true((unsigned)again.kind < REPORT_KIND_COUNT);
				assert_true(again.recipient_count <= LIMIT_REPORT_RECIPIENTS);
				assert_true(again.original.identifier_count <= LIMIT_IDENTIFIERS);
			}
			wire.data[at] = (char)(wire.data[at] ^ (char)change);
			arena_free(arena);
		}
	}
	buf_done(&wire);
}

static void test_json(void **state)
{
	struct report report = sample();
	struct buf out;

	(void)state;
	report.recipient_count = 1;
	buf_init(&out, 10000);
	print(&report, &out);
	static const char expected[] =
		"{\"kind\":\"bounce\",\"format\":\"rfc3464\",\"reporting_mta\":\"mta.example.net\","
		"\"arrival_date\":\"2025-01-01T00:00:00.123Z\",\"feedback_type\":null,"
		"\"source_ip\":null,\"message_id\":\"id@mta.example.net\",\"from\":null,"
		"\"subject\":null,\"date\":null,\"recipients\":[{\"address\":\"user@example.com\","
		"\"original\":\"alias@example.com\",\"action\":\"failed\",\"status\":\"5.1.1\","
		"\"reply_code\":\"550\",\"reason\":\"userunknown\",\"severity\":\"hard\","
		"\"class\":\"recipient\",\"remote_mta\":\"mx.example.com\","
		"\"diagnostic\":\"550 5.1.1 no such user\",\"rule\":\"text/no-such-user\","
		"\"matched\":\"no such user\"}],\"original\":{\"message_id\":null,"
		"\"subject\":\"Hello\",\"from\":null,\"to\":null,\"date\":null,\"return_path\":"
		"null,"
		"\"list_id\":null,\"list_unsubscribe\":null,\"feedback_id\":null,"
		"\"cfbl_feedback_id\":null,\"identifiers\":["
		"{\"scheme\":\"verp\",\"value\":\"user@example.com\"},"
		"{\"scheme\":\"x-kumoref\",\"value\":\"17\"}]}}";
	assert_int_equal(out.len, sizeof(expected) - 1);
	assert_memory_equal(out.data, expected, out.len);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wire_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wire_refuses_what_is_cut_or_longer, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_wire_survives_every_changed_byte, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_json, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
