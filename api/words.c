/* SPDX-License-Identifier: Apache-2.0 */
#include "api/words.h"

#include "core/filing.h"
#include "core/reason.h"

/* The empty word is what absence is called inside; nobody may ask for it. */
static bool is_word(struct slice word, const char *known)
{
	return !slice_empty(word) && slice_equal(word, slice_from_cstr(known));
}

bool is_kind_word(struct slice word)
{
	enum report_kind kind;

	return report_kind_from_word(word, &kind);
}

bool is_reason_word(struct slice word)
{
	for (unsigned i = 0; i < REASON_COUNT; i++)
		if (is_word(word, reason_word((enum reason)i)))
			return true;
	return false;
}

bool is_class_word(struct slice word)
{
	for (unsigned i = 0; i < CLASS_COUNT; i++)
		if (is_word(word, reason_class_word((enum reason_class)i)))
			return true;
	return false;
}

bool is_severity_word(struct slice word)
{
	for (unsigned i = 0; i < SEVERITY_COUNT; i++)
		if (is_word(word, severity_word((enum severity)i)))
			return true;
	return false;
}

bool is_trust_word(struct slice word)
{
	for (unsigned i = 0; i < TRUST_COUNT; i++)
		if (is_word(word, trust_word((enum trust)i)))
			return true;
	return false;
}

bool is_stream_word(struct slice word)
{
	return is_word(word, "all") || is_word(word, "marketing") || is_word(word, "transactional");
}

bool is_origin_word(struct slice word)
{
	for (unsigned i = 0; i < ORIGIN_COUNT; i++)
		if (is_word(word, origin_word((enum origin)i)))
			return true;
	return false;
}

bool is_suppression_reason_word(struct slice word)
{
	return is_reason_word(word) || is_word(word, "complaint") || is_word(word, "unsubscribe") ||
	       is_word(word, "manual");
}
