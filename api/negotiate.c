/* SPDX-License-Identifier: Apache-2.0 */
#include "api/negotiate.h"

static const char *const TYPES[FORMAT_COUNT] = { "application/json", "application/x-ndjson",
						 "text/csv" };
static const char *const CONTENT_TYPES[FORMAT_COUNT] = {
	"application/json; charset=utf-8",
	"application/x-ndjson; charset=utf-8",
	"text/csv; charset=utf-8; header=present",
};

/* How closely a media range names a type; the closest one decides about it. */
enum closeness { CLOSE_NOT, CLOSE_ANY, CLOSE_FAMILY, CLOSE_EXACT };

const char *format_content_type(enum format format)
{
	return CONTENT_TYPES[format];
}

static enum closeness range_closeness(struct slice range, struct slice type)
{
	struct slice family = slice_head(type, (size_t)slice_find_byte(type, '/') + 1);

	if (slice_equal(range, SLICE("*/*")))
		return CLOSE_ANY;
	if (slice_equal_nocase(range, type))
		return CLOSE_EXACT;
	if (slice_ends_with(range, SLICE("/*")) &&
	    slice_equal_nocase(slice_head(range, range.len - 1), family))
		return CLOSE_FAMILY;
	return CLOSE_NOT;
}

/* Thousandths; what is not of the form "0.5" counts as 1, as if it were not there. */
static unsigned quality(struct slice params)
{
	struct slice param;

	while (slice_next_field(&params, ';', &param)) {
		unsigned value = 0;

		param = slice_trim(param);
		if (!slice_starts_with_nocase(param, SLICE("q=")))
			continue;
		param = slice_skip(param, 2);
		if (!slice_starts_with(param, SLICE("0")))
			return 1000;
		param = slice_skip(param, 2);
		for (size_t i = 0; i < 3; i++)
			value = value * 10 + (i < param.len && ascii_is_digit(param.ptr[i])
						      ? (unsigned)(param.ptr[i] - '0')
						      : 0);
		return value;
	}
	return 1000;
}

/* What the ranges of one Accept header say about `type`. */
static void read_accept(struct slice value, struct slice type, enum closeness *closest,
			unsigned *best)
{
	struct slice item;

	while (slice_next_field(&value, ',', &item)) {
		struct slice range = SLICE_NONE;

		slice_next_field(&item, ';', &range);
		enum closeness closeness = range_closeness(slice_trim(range), type);

		if (closeness <= *closest)
			continue;
		*closest = closeness;
		*best = quality(item);
	}
}

bool negotiate(const struct request *request, unsigned formats, enum format *ret_format)
{
	unsigned best = 0;

	if (!request_header(request, "Accept")) {
		*ret_format = FORMAT_JSON;
		return (formats & FORMATS_JSON) != 0;
	}
	for (unsigned format = 0; format < FORMAT_COUNT; format++) {
		enum closeness closest = CLOSE_NOT;
		unsigned q = 0;

		if (!(formats & 1U << format))
			continue;
		for (size_t i = 0; i < request->header_count; i++)
			if (slice_equal_nocase(request->headers[i].name, SLICE("Accept")))
				read_accept(request->headers[i].value,
					    slice_from_cstr(TYPES[format]), &closest, &q);
		if (q > best) {
			best = q;
			*ret_format = (enum format)format;
		}
	}
	return best > 0;
}
