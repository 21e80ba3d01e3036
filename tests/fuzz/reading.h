/* SPDX-License-Identifier: Apache-2.0 */
/* For the targets that put one reader before a message made of parts: the reading, and what holds
 * of every reading. */
#ifndef BOUNCED_TESTS_FUZZ_READING_H
#define BOUNCED_TESTS_FUZZ_READING_H

#include "core/limits.h"
#include "core/status.h"
#include "parser/reader.h"
#include "parser/text.h"
#include "tests/fuzz/check.h"

/* The message's facts are found out first, as the parser does. */
static inline struct reading read_with(const struct reader *reader, struct message *message)
{
	struct reading reading = { 0 };

	text_prepare(message);
	reader->read(message, &reading);
	return reading;
}

static inline void check_recipient(const struct report_recipient *recipient)
{
	struct status_code status;

	require(recipient->address.len > 0 || recipient->original.len > 0 || recipient->redacted);
	require(recipient->address.len <= LIMIT_ADDRESS);
	require(recipient->original.len <= LIMIT_ADDRESS);
	require(recipient->diagnostic.len <= LIMIT_DIAGNOSTIC);
	require(recipient->status.len == 0 || status_parse(recipient->status, &status));
	require(recipient->reply_code.len == 0 || is_digits(recipient->reply_code, 3));
	require(slice_find_byte(recipient->address, '\n') < 0);
	require(slice_find_byte(recipient->diagnostic, '\n') < 0);
}

static inline void check_reading(const struct reading *reading)
{
	require(reading->score >= 0 && reading->score <= 100);
	require(reading->recipient_count <= LIMIT_REPORT_RECIPIENTS);
	for (size_t i = 0; i < reading->recipient_count; i++)
		check_recipient(&reading->recipients[i]);
}

/* Every bare LF made CRLF. */
static inline struct slice crlf_of(struct slice text, struct arena *arena)
{
	char *out = arena_alloc(arena, text.len * 2);
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		/* a line that ends so already stays as it is: "\r\r\n" is another line */
		if (text.ptr[i] == '\n' && (i == 0 || text.ptr[i - 1] != '\r'))
			out[len++] = '\r';
		out[len++] = text.ptr[i];
	}
	return slice_from(out, len);
}

static inline bool same_readings(const struct reading *a, const struct reading *b)
{
	if (a->kind != b->kind || a->score != b->score ||
	    a->recipient_count != b->recipient_count ||
	    !slice_equal(a->feedback_type, b->feedback_type) ||
	    !slice_equal(a->reporting_mta, b->reporting_mta))
		return false;
	for (size_t i = 0; i < a->recipient_count; i++) {
		const struct report_recipient *x = &a->recipients[i], *y = &b->recipients[i];
		if (!slice_equal(x->address, y->address) || !slice_equal(x->status, y->status) ||
		    !slice_equal(x->diagnostic, y->diagnostic) || x->action != y->action)
			return false;
	}
	return true;
}

#endif
