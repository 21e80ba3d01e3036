/* SPDX-License-Identifier: Apache-2.0 */
/* The classes of other systems. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/vocabulary.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void test_words(void **state)
{
	enum vocabulary vocabulary = VOCABULARY_NONE;
	struct vocabulary_names names;

	(void)state;
	for (int i = VOCABULARY_NONE + 1; i < VOCABULARY_COUNT; i++) {
		const char *word = vocabulary_word((enum vocabulary)i);

		assert_true(vocabulary_from_word(slice_from_cstr(word), &vocabulary));
		assert_int_equal(vocabulary, i);
	}
	assert_false(vocabulary_from_word(SLICE("SES"), &vocabulary));
	assert_false(vocabulary_from_word(SLICE(""), &vocabulary));
	vocabulary_names(VOCABULARY_SPARKPOST, &names);
	assert_string_equal(names.class_, "sparkpost_class");
	assert_string_equal(names.detail, "sparkpost_detail");
}

static void test_classes(void **state)
{
	static const struct {
		enum vocabulary vocabulary;
		enum report_kind kind;
		enum reason reason;
		const char *class_;
		const char *detail;
	} ROWS[] = {
		{ VOCABULARY_NONE, REPORT_BOUNCE, REASON_USERUNKNOWN, "", "" },
		{ VOCABULARY_SPARKPOST, REPORT_BOUNCE, REASON_USERUNKNOWN, "10",
		  "Invalid Recipient" },
		{ VOCABULARY_SPARKPOST, REPORT_BOUNCE, REASON_MAILBOXFULL, "22", "Mailbox Full" },
		{ VOCABULARY_SPARKPOST, REPORT_CHALLENGE, REASON_NONE, "100",
		  "Challenge-Response" },
		{ VOCABULARY_SPARKPOST, REPORT_COMPLAINT, REASON_FEEDBACK, "", "" },
		{ VOCABULARY_POSTMARK, REPORT_BOUNCE, REASON_USERUNKNOWN, "HardBounce", "1" },
		{ VOCABULARY_POSTMARK, REPORT_UNSUBSCRIBE, REASON_NONE, "Unsubscribe", "16" },
		{ VOCABULARY_POSTMARK, REPORT_COMPLAINT, REASON_FEEDBACK, "SpamComplaint",
		  "100001" },
		{ VOCABULARY_SES, REPORT_BOUNCE, REASON_SUPPRESSED, "Permanent", "Suppressed" },
		{ VOCABULARY_SES, REPORT_BOUNCE, REASON_EMAILTOOLARGE, "Transient",
		  "MessageTooLarge" },
		{ VOCABULARY_SES, REPORT_DELAY, REASON_USERUNKNOWN, "", "" },
		{ VOCABULARY_KUMOMTA, REPORT_BOUNCE, REASON_AUTHFAILURE, "AuthenticationFailed",
		  "" },
		{ VOCABULARY_KUMOMTA, REPORT_DELAY, REASON_EXPIRED, "TransientFailure", "" },
		{ VOCABULARY_KUMOMTA, REPORT_AUTOREPLY, REASON_VACATION, "AutoReply", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		struct vocabulary_class got =
			vocabulary_class(ROWS[i].vocabulary, ROWS[i].kind, ROWS[i].reason);

		assert_string_equal(got.class_, ROWS[i].class_);
		assert_string_equal(got.detail, ROWS[i].detail);
	}
}

/* A reason added later must not be forgotten here. */
static void test_every_bounce_has_a_class(void **state)
{
	(void)state;
	for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
		if (reason_class((enum reason)reason) == CLASS_NONE)
			continue;
		for (int i = VOCABULARY_NONE + 1; i < VOCABULARY_COUNT; i++) {
			struct vocabulary_class got = vocabulary_class(
				(enum vocabulary)i, REPORT_BOUNCE, (enum reason)reason);

			if (got.class_ == NULL || got.class_[0] == '\0')
				fail_msg("%s has no class of %s", reason_word((enum reason)reason),
					 vocabulary_word((enum vocabulary)i));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_every_bounce_has_a_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
