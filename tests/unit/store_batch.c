/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch of filings becomes before it meets a database. */
#include "store/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/batch_rows.h"

struct fixture {
	struct arena *arena;
	struct inbound inbound;
	struct report report;
	struct report_recipient recipient;
	struct slice envelope[1];
};

static int setup(void **state)
{
	struct arena *arena = arena_new(0);
	struct fixture *fixture = ARENA_NEW(arena, struct fixture);

	fixture->arena = arena;
	fixture->recipient = (struct report_recipient){
		.address = SLICE_LITERAL("A@Example.test"),
		.reason = REASON_USERUNKNOWN,
		.severity = SEVERITY_HARD,
		.class_ = CLASS_RECIPIENT,
	};
	fixture->report = (struct report){ .kind = REPORT_BOUNCE,
					   .recipients = &fixture->recipient,
					   .recipient_count = 1 };
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	arena_free(fixture->arena);
	return 0;
}

static struct filing filing_of(struct fixture *fixture, uint64_t account_id, uint8_t key)
{
	return (struct filing){ .inbound = &fixture->inbound,
				.report = &fixture->report,
				.account_id = account_id,
				.report_id = uuid_v7(1000 * key),
				.key = { key },
				.recipients = fixture->envelope };
}

/* Element `index` of a binary array of elements of `size` bytes. */
static struct slice element(const struct pg_params *params, int param, size_t index, size_t size)
{
	return slice_from(params->values[param] + 20 + index * (4 + size) + 4, size);
}

static void rows_are_in_the_order_of_their_locks(void **state)
{
	struct fixture *fixture = *state;
	struct filing filings[4] = {
		filing_of(fixture, 2, 1),
		filing_of(fixture, 1, 9),
		filing_of(fixture, 1, 3),
		filing_of(fixture, 1, 9),
	};
	const struct filing *pointers[4] = { &filings[0], &filings[1], &filings[2], &filings[3] };
	const size_t expected[4] = { 2, 1, 3, 0 };
	struct batch batch;

	batch_build(fixture->arena, pointers, 4, 0, &batch);
	const struct pg_params *params = &batch.params[COMMIT_INGEST_KEY];
	assert_int_equal(params->count, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct filing *filing = &filings[expected[i]];

		assert_int_equal(batch.order[i], expected[i]);
		assert_memory_equal(element(params, 1, i, SHA256_LEN).ptr, filing->key, SHA256_LEN);
		assert_memory_equal(element(params, 2, i, 16).ptr, filing->report_id.bytes, 16);
	}
}

static void what_a_batch_has_not_is_not_asked_for(void **state)
{
	struct fixture *fixture = *state;
	struct filing_event event = { .id = uuid_v7(5000), .effect = EFFECT_WOULD_SUPPRESS };
	struct filing filing = filing_of(fixture, 1, 1);
	const struct filing *pointer = &filing;
	struct batch batch;

	batch_build(fixture->arena, &pointer, 1, 0, &batch);
	assert_true(batch.wanted[COMMIT_REPORT] && batch.wanted[COMMIT_RESOLVE]);
	assert_false(batch.wanted[COMMIT_EVENT_KEY] || batch.wanted[COMMIT_EVENT] ||
		     batch.wanted[COMMIT_ROLLUP] || batch.wanted[COMMIT_SUPPRESSION]);

	filing.events = &event;
	filing.event_count = 1;
	batch_build(fixture->arena, &pointer, 1, 0, &batch);
	assert_true(batch.wanted[COMMIT_EVENT_KEY] && batch.wanted[COMMIT_EVENT] &&
		    batch.wanted[COMMIT_ROLLUP]);
	assert_false(batch.wanted[COMMIT_SUPPRESSION]);

	event.effect = EFFECT_SUPPRESS;
	event.ref = SLICE("7");
	batch_build(fixture->arena, &pointer, 1, 0, &batch);
	assert_true(batch.wanted[COMMIT_SUPPRESSION]);

	batch_build_raw(fixture->arena, &filing, SLICE("store/22003"), &batch);
	assert_true(batch.wanted[COMMIT_REPORT_RAW]);
	assert_false(batch.wanted[COMMIT_EVENT] || batch.wanted[COMMIT_SUPPRESSION]);
}

static void only_the_undecided_are_pending(void **state)
{
	struct fixture *fixture = *state;
	struct filing filings[3] = {
		filing_of(fixture, 1, 1),
		filing_of(fixture, 1, 2),
		filing_of(fixture, 1, 3),
	};
	const struct filing *pointers[3] = { &filings[2], &filings[1], &filings[0] };
	const struct pg_params *params;
	struct batch batch;

	batch_build(fixture->arena, pointers, 3, 0, &batch);
	assert_false(batch.wanted[COMMIT_UNDECIDED]);
	filings[1].undecided = true;
	batch_build(fixture->arena, pointers, 3, 0, &batch);
	assert_true(batch.wanted[COMMIT_UNDECIDED]);
	params = &batch.params[COMMIT_UNDECIDED];
	assert_int_equal(params->count, 4);
	assert_int_equal(params->lengths[1], 20 + 4 + SHA256_LEN); /* one element */
	assert_memory_equal(element(params, 2, 0, 16).ptr, filings[1].report_id.bytes, 16);
	batch_build_raw(fixture->arena, &filings[1], SLICE("store/22003"), &batch);
	assert_false(batch.wanted[COMMIT_UNDECIDED]);
}

static void a_time_is_that_of_its_id(void **state)
{
	struct fixture *fixture = *state;
	struct filing filing = filing_of(fixture, 1, 1);
	const struct filing *pointer = &filing;
	struct batch batch;
	/* 2000-01-01T00:00:01Z as microseconds since 2000 */
	const uint8_t second[8] = { 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40 };

	filing.report_id = uuid_v7(INT64_C(946684801000));
	fixture->inbound.received_at = 5;
	batch_build(fixture->arena, &pointer, 1, 0, &batch);
	assert_memory_equal(element(&batch.params[COMMIT_INGEST_KEY], 3, 0, 8).ptr, second, 8);
}

static void assert_text(struct slice text, const char *expected)
{
	if (!slice_equal(text, slice_from_cstr(expected)))
		fail_msg("%.*s is not %s", SLICE_ARG(text), expected);
}

static void a_suppression_needs_a_subject(void **state)
{
	struct fixture *fixture = *state;
	struct slice row[SUPPRESSION_TEXT_COUNT];
	struct filing filing = filing_of(fixture, 1, 1);
	struct filing_event event = { .recipient = &fixture->recipient,
				      .kind = REPORT_BOUNCE,
				      .address = SLICE("a@example.test"),
				      .ref = SLICE("7"),
				      .effect = EFFECT_SUPPRESS,
				      .origin = ORIGIN_BOUNCE,
				      .suppress_address = true };

	assert_true(suppression_row(&filing, &event, fixture->arena, row));
	assert_text(row[SUPPRESSION_TEXT_ADDRESS], "A@Example.test");
	assert_text(row[SUPPRESSION_TEXT_ADDRESS_KEY], "a@example.test");
	assert_text(row[SUPPRESSION_TEXT_REF], "7");
	assert_text(row[SUPPRESSION_TEXT_REASON], "userunknown");

	/* Somebody else's address in the report is not the one that is suppressed. */
	event.address = SLICE("b@example.test");
	assert_true(suppression_row(&filing, &event, fixture->arena, row));
	assert_text(row[SUPPRESSION_TEXT_ADDRESS], "b@example.test");

	event.suppress_address = false;
	event.origin = ORIGIN_COMPLAINT;
	event.kind = REPORT_COMPLAINT;
	assert_true(suppression_row(&filing, &event, fixture->arena, row));
	assert_text(row[SUPPRESSION_TEXT_ADDRESS], "");
	assert_text(row[SUPPRESSION_TEXT_ADDRESS_KEY], "");
	assert_text(row[SUPPRESSION_TEXT_REASON], "complaint");

	event.ref = SLICE_NONE;
	assert_false(suppression_row(&filing, &event, fixture->arena, row));
	event.ref = SLICE("7");
	event.effect = EFFECT_WOULD_SUPPRESS;
	assert_false(suppression_row(&filing, &event, fixture->arena, row));
}

static void evidence_is_bounded_and_whole(void **state)
{
	struct fixture *fixture = *state;
	struct slice row[SUPPRESSION_TEXT_COUNT];
	struct filing filing = filing_of(fixture, 1, 1);
	struct filing_event event = { .recipient = &fixture->recipient,
				      .ref = SLICE("7"),
				      .effect = EFFECT_SUPPRESS };
	char diagnostic[4096];

	/* 3 bytes each: the cut falls between characters. */
	for (size_t i = 0; i + 3 <= sizeof(diagnostic); i += 3)
		memcpy(diagnostic + i, "\xe2\x82\xac", 3);
	fixture->recipient.diagnostic = slice_from(diagnostic, sizeof(diagnostic) - 1);
	assert_true(suppression_row(&filing, &event, fixture->arena, row));
	struct slice evidence = row[SUPPRESSION_TEXT_EVIDENCE];
	assert_true(evidence.len > 1000 && evidence.len < 2000);
	assert_true(slice_find(evidence, SLICE("\xe2\x82\xac\",")) > 0);
	assert_true(slice_starts_with(evidence, SLICE("{\"kind\":\"none\"")));
	assert_true(slice_ends_with(evidence, SLICE("}")));
}

static void flags_say_what_the_framing_was(void **state)
{
	struct fixture *fixture = *state;
	struct slice row[REPORT_TEXT_COUNT];
	struct filing filing = filing_of(fixture, 1, 1);

	report_row(&filing, fixture->arena, row);
	assert_text(row[REPORT_TEXT_FLAGS], "");
	fixture->inbound.bare_eol = true;
	report_row(&filing, fixture->arena, row);
	assert_text(row[REPORT_TEXT_FLAGS], "bare-eol");
	fixture->report.flags = SLICE("address-header-blanked");
	report_row(&filing, fixture->arena, row);
	assert_text(row[REPORT_TEXT_FLAGS], "address-header-blanked bare-eol");
	fixture->inbound.listed = SLICE("listed:bl.example");
	report_row(&filing, fixture->arena, row);
	assert_text(row[REPORT_TEXT_FLAGS], "address-header-blanked bare-eol listed:bl.example");
}

static void recipients_become_an_array_literal(void **state)
{
	struct fixture *fixture = *state;
	struct slice row[REPORT_TEXT_COUNT];
	struct slice recipients[] = { SLICE_LITERAL("a\"b\\c@x"), SLICE_LITERAL("") };
	struct filing filing = filing_of(fixture, 1, 1);

	report_row(&filing, fixture->arena, row);
	assert_text(row[REPORT_TEXT_RECIPIENTS], "{}");
	filing.recipients = recipients;
	filing.recipient_count = 2;
	report_row(&filing, fixture->arena, row);
	assert_text(row[REPORT_TEXT_RECIPIENTS], "{\"a\\\"b\\\\c@x\",\"\"}");
}

static void a_quarantined_row_has_nothing_of_the_parser(void **state)
{
	struct fixture *fixture = *state;
	struct slice row[REPORT_TEXT_COUNT];
	struct filing filing = filing_of(fixture, 1, 1);

	fixture->report.format = SLICE("rfc3464");
	fixture->report.subject = SLICE("culprit");
	report_row_quarantined(&filing, SLICE("store/22003"), fixture->arena, row);
	assert_text(row[REPORT_TEXT_KIND], "quarantined");
	assert_text(row[REPORT_TEXT_FORMAT], "");
	assert_text(row[REPORT_TEXT_QUARANTINE], "store/22003");
	assert_true(slice_find(row[REPORT_TEXT_DETAIL], SLICE("culprit")) < 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(rows_are_in_the_order_of_their_locks),
		TEST(what_a_batch_has_not_is_not_asked_for),
		TEST(only_the_undecided_are_pending),
		TEST(a_time_is_that_of_its_id),
		TEST(a_suppression_needs_a_subject),
		TEST(evidence_is_bounded_and_whole),
		TEST(flags_say_what_the_framing_was),
		TEST(recipients_become_an_array_literal),
		TEST(a_quarantined_row_has_nothing_of_the_parser),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
