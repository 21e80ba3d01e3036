/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times: what is read as RFC 3339 or RFC 5322 and written in four-digit years reads as the same
 * again, in either form.
 */
#include <stdio.h>

#include "core/timestamp.h"
#include "tests/fuzz/check.h"

#define YEAR_0001 (-INT64_C(62135596800000))
#define YEAR_9999 INT64_C(253402300799999)

/* The RFC 5322 date-time of what time_format_rfc3339() wrote. */
static int as_rfc5322(const char *rfc3339, char *ret_text, size_t cap)
{
	static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int month = (rfc3339[5] - '0') * 10 + (rfc3339[6] - '0');

	return snprintf(ret_text, cap, "Thu, %.2s %.3s %.4s %.8s +0000", rfc3339 + 8,
			MONTHS + ((size_t)month - 1) * 3, rfc3339, rfc3339 + 11);
}

static void check_time(int64_t time)
{
	char text[TIME_TEXT_LEN + 1];
	char mail[64];
	int64_t again;

	time_format_rfc3339(time, text);
	require(slice_from_cstr(text).len == TIME_TEXT_LEN);
	if (time < YEAR_0001 || time > YEAR_9999)
		return;
	require(time_parse_rfc3339(slice_from_cstr(text), &again) && again == time);
	int len = as_rfc5322(text, mail, sizeof(mail));
	require(time_parse_rfc5322(slice_from(mail, (size_t)len), &again));
	int64_t ms = ((time % 1000) + 1000) % 1000;
	require(again == time - ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_from((const char *)data, size);
	int64_t time;

	if (time_parse_rfc3339(text, &time))
		check_time(time);
	if (time_parse_rfc5322(text, &time)) {
		require(time % 1000 == 0);
		check_time(time);
	}
	return 0;
}
