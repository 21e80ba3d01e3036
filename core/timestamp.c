/* SPDX-License-Identifier: Apache-2.0 */
#include "core/timestamp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t time_now_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t time_monotonic_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar: years are counted from
 * March, so that the leap day is the last of its year. */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year =
		(153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

struct civil {
	int64_t year;
	unsigned month, day;
};

static struct civil civil_from_days(int64_t days)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t day_of_era = days - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153;
	unsigned month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);

	return (struct civil){ year_of_era + era * 400 + (month <= 2), month,
			       (unsigned)(day_of_year - (153 * shifted + 2) / 5 + 1) };
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

void time_format_rfc3339(int64_t unix_ms, char ret_text[TIME_TEXT_LEN + 1])
{
	int64_t days = floor_div(unix_ms, TIME_DAY_MS);
	unsigned ms = (unsigned)(unix_ms - days * TIME_DAY_MS);
	struct civil date = civil_from_days(days);
	/* what does not fit four digits cannot be a time of ours */
	unsigned year = date.year < 0 ? 0 : date.year > 9999 ? 9999 : (unsigned)date.year;

	snprintf(ret_text, TIME_TEXT_LEN + 1, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year % 10000u,
		 date.month % 100u, date.day % 100u, ms / 3600000u % 100u, ms / 60000u % 60u,
		 ms / 1000u % 60u, ms % 1000u);
}

/* Exactly `count` digits at *rest. */
static bool take_digits(struct slice *rest, unsigned count, unsigned *ret_value)
{
	uint64_t value;

	if (rest->len < count || !slice_to_u64(slice_head(*rest, count), &value))
		return false;
	*ret_value = (unsigned)value;
	*rest = slice_skip(*rest, count);
	return true;
}

static bool take_char(struct slice *rest, const char *any_of)
{
	if (rest->len == 0 || rest->ptr[0] == '\0' || strchr(any_of, rest->ptr[0]) == NULL)
		return false;
	*rest = slice_skip(*rest, 1);
	return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

static bool moment(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned minute,
		   unsigned second, int64_t *ret_unix_ms)
{
	if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
	    minute > 59 || second > 60)
		return false;
	*ret_unix_ms = days_from_civil(year, month, day) * TIME_DAY_MS +
		       ((int64_t)hour * 3600 + minute * 60 + second) * 1000;
	return true;
}

/* Z, or ±hh:mm */
static bool take_rfc3339_offset(struct slice *rest, int64_t *ret_offset_ms)
{
	unsigned hours, minutes;

	*ret_offset_ms = 0;
	if (take_char(rest, "Zz"))
		return true;
	if (rest->len == 0 || (rest->ptr[0] != '+' && rest->ptr[0] != '-'))
		return false;
	int64_t sign = rest->ptr[0] == '-' ? -1 : 1;

	*rest = slice_skip(*rest, 1);
	if (!take_digits(rest, 2, &hours) || !take_char(rest, ":") ||
	    !take_digits(rest, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_offset_ms = sign * (hours * 60 + minutes) * 60000;
	return true;
}

bool time_parse_rfc3339(struct slice text, int64_t *ret_unix_ms)
{
	unsigned year, month, day, hour = 0, minute = 0, second = 0;
	int64_t fraction_ms = 0, offset_ms = 0, result;

	if (!take_digits(&text, 4, &year) || !take_char(&text, "-") ||
	    !take_digits(&text, 2, &month) || !take_char(&text, "-") ||
	    !take_digits(&text, 2, &day))
		return false;
	if (text.len > 0) {
		if (!take_char(&text, "Tt ") || !take_digits(&text, 2, &hour) ||
		    !take_char(&text, ":") || !take_digits(&text, 2, &minute) ||
		    !take_char(&text, ":") || !take_digits(&text, 2, &second))
			return false;
		if (take_char(&text, ".")) {
			int64_t unit = 100;

			if (text.len == 0 || !ascii_is_digit(text.ptr[0]))
				return false;
			for (; text.len > 0 && ascii_is_digit(text.ptr[0]);
			     text = slice_skip(text, 1), unit /= 10)
				fraction_ms += (text.ptr[0] - '0') * unit;
		}
		if (!take_rfc3339_offset(&text, &offset_ms))
			return false;
	}
	if (text.len > 0 || !moment(year, month, day, hour, minute, second, &result))
		return false;
	*ret_unix_ms = result + fraction_ms - offset_ms;
	return true;
}

/* -- RFC 5322, liberally: words separated by anything but letters, digits, colons and signs -- */

static bool next_word(struct slice *rest, struct slice *ret_word)
{
	while (rest->len > 0 && rest->ptr[0] != '(' && !ascii_is_alnum(rest->ptr[0]) &&
	       rest->ptr[0] != '+' && rest->ptr[0] != '-')
		*rest = slice_skip(*rest, 1);
	if (rest->len == 0 || rest->ptr[0] == '(')
		return false; /* a comment closes the date */
	size_t len = 1;

	while (len < rest->len && (ascii_is_alnum(rest->ptr[len]) || rest->ptr[len] == ':'))
		len++;
	*ret_word = slice_head(*rest, len);
	*rest = slice_skip(*rest, len);
	return true;
}

static unsigned month_number(struct slice word)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	for (unsigned m = 0; m < 12 && word.len >= 3; m++)
		if (slice_equal_nocase(slice_head(word, 3), slice_from(names + (size_t)m * 3, 3)))
			return m + 1;
	return 0;
}

/* h:mm or hh:mm:ss */
static bool parse_clock(struct slice word, unsigned *hour, unsigned *minute, unsigned *second)
{
	uint64_t part[3] = { 0, 0, 0 };
	struct slice field;
	size_t count = 0;

	while (count < 3 && slice_next_field(&word, ':', &field))
		if (!slice_to_u64(field, &part[count++]) || part[count - 1] > 60)
			return false;
	*hour = (unsigned)part[0];
	*minute = (unsigned)part[1];
	*second = (unsigned)part[2];
	return count >= 2 && word.len == 0;
}

/* RFC 5322 4.3 names the American zones; the others were met in reports. Hours east of UTC. */
static int64_t zone_offset_ms(struct slice word)
{
	static const struct {
		struct slice name;
		int hours;
	} zones[] = {
		{ SLICE_LITERAL("EDT"), -4 }, { SLICE_LITERAL("EST"), -5 },
		{ SLICE_LITERAL("CDT"), -5 }, { SLICE_LITERAL("CST"), -6 },
		{ SLICE_LITERAL("MDT"), -6 }, { SLICE_LITERAL("MST"), -7 },
		{ SLICE_LITERAL("PDT"), -7 }, { SLICE_LITERAL("PST"), -8 },
		{ SLICE_LITERAL("JST"), 9 },  { SLICE_LITERAL("KST"), 9 },
		{ SLICE_LITERAL("CET"), 1 },  { SLICE_LITERAL("CEST"), 2 },
		{ SLICE_LITERAL("EET"), 2 },  { SLICE_LITERAL("EEST"), 3 },
		{ SLICE_LITERAL("MSK"), 3 },  { SLICE_LITERAL("BST"), 1 },
	};
	uint64_t digits;

	if (word.len == 5 && (word.ptr[0] == '+' || word.ptr[0] == '-') &&
	    slice_to_u64(slice_skip(word, 1), &digits) && digits % 100 < 60) {
		int64_t ms = (int64_t)(digits / 100 * 60 + digits % 100) * 60000;

		return word.ptr[0] == '-' ? -ms : ms;
	}
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (slice_equal_nocase(word, zones[i].name))
			return zones[i].hours * TIME_HOUR_MS;
	return 0;
}

/* Two-digit years are 1950..2049 and three-digit ones count from 1900 (RFC 5322 4.3). */
static bool parse_year(struct slice word, unsigned *ret_year)
{
	uint64_t year;

	if (!slice_to_u64(word, &year) || year > 9999)
		return false;
	if (word.len == 2)
		year += year < 50 ? 2000 : 1900;
	else if (word.len == 3)
		year += 1900;
	*ret_year = (unsigned)year;
	return true;
}

bool time_parse_rfc5322(struct slice text, int64_t *ret_unix_ms)
{
	struct slice word;
	uint64_t day;
	unsigned month, year, hour, minute, second;
	int64_t result;

	if (!next_word(&text, &word))
		return false;
	if (!ascii_is_digit(word.ptr[0]) && !next_word(&text, &word))
		return false; /* the day's name */
	if (!slice_to_u64(word, &day) || day > 31 || !next_word(&text, &word))
		return false;
	if (word.ptr[0] == '-')
		word = slice_skip(word, 1);
	month = month_number(word);
	if (month == 0 || !next_word(&text, &word))
		return false;
	if (word.ptr[0] == '-')
		word = slice_skip(word, 1);
	if (!parse_year(word, &year) || !next_word(&text, &word) ||
	    !parse_clock(word, &hour, &minute, &second) ||
	    !moment(year, month, (unsigned)day, hour, minute, second, &result))
		return false;
	if (next_word(&text, &word))
		result -= zone_offset_ms(word);
	*ret_unix_ms = result;
	return true;
}

int32_t time_token_day(int64_t unix_ms)
{
	return (int32_t)floor_div(unix_ms - TOKEN_EPOCH_MS, TIME_DAY_MS);
}
