/* SPDX-License-Identifier: Apache-2.0 */
#include "api/subject.h"

#include "core/address.h"
#include "core/limits.h"
#include "core/utf8.h"

bool is_ref(struct slice text)
{
	if (slice_empty(text) || text.len > SUBJECT_REF_MAX)
		return false;
	while (!slice_empty(text)) {
		int32_t c = utf8_next(&text);

		if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			return false;
	}
	return true;
}

bool subject_parse(struct slice text, struct arena *arena, struct suppression_subject *ret_subject)
{
	static const struct slice REF = SLICE_LITERAL("ref:");

	*ret_subject = (struct suppression_subject){ SLICE_NONE, SLICE_NONE };
	if (slice_starts_with(text, REF)) {
		ret_subject->ref = slice_skip(text, REF.len);
		return is_ref(ret_subject->ref);
	}
	if (text.len <= LIMIT_ADDRESS)
		ret_subject->address_key = address_normalise(arena, text);
	return !slice_empty(ret_subject->address_key);
}
