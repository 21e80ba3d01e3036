/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reason.h"

#include <assert.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const KIND_WORDS[] = {
#define X(name, word, meaning) [REPORT_##name] = word,
	REPORT_KINDS(X)
#undef X
};

static const char *const ACTION_WORDS[] = {
#define X(name, word) [ACTION_##name] = word,
	REPORT_ACTIONS(X)
#undef X
};

static const char *const SEVERITY_WORDS[] = {
#define X(name, word) [SEVERITY_##name] = word,
	SEVERITIES(X)
#undef X
};

static const char *const CLASS_WORDS[] = {
#define X(name, word) [CLASS_##name] = word,
	REASON_CLASSES(X)
#undef X
};

static const char *const TRUST_WORDS[] = {
#define X(name, word, meaning) [TRUST_##name] = word,
	TRUSTS(X)
#undef X
};

static const struct {
	const char *word;
	enum severity severity;
	enum reason_class class_;
} REASON_TABLE[] = {
#define X(name, word, severity, class_, meaning) \
	[REASON_##name] = { word, SEVERITY_##severity, CLASS_##class_ },
	REASONS(X)
#undef X
};

const char *report_kind_word(enum report_kind kind)
{
	assert(kind < COUNT(KIND_WORDS));
	return KIND_WORDS[kind];
}

const char *report_action_word(enum report_action action)
{
	assert(action < COUNT(ACTION_WORDS));
	return ACTION_WORDS[action];
}

const char *severity_word(enum severity severity)
{
	assert(severity < COUNT(SEVERITY_WORDS));
	return SEVERITY_WORDS[severity];
}

const char *reason_class_word(enum reason_class class_)
{
	assert(class_ < COUNT(CLASS_WORDS));
	return CLASS_WORDS[class_];
}

const char *reason_word(enum reason reason)
{
	assert(reason < COUNT(REASON_TABLE));
	return REASON_TABLE[reason].word;
}

const char *trust_word(enum trust trust)
{
	assert(trust < COUNT(TRUST_WORDS));
	return TRUST_WORDS[trust];
}

bool reason_from_word(struct slice word, enum reason *ret_reason)
{
	static const struct {
		struct slice older;
		enum reason reason;
	} renamed[] = {
		{ SLICE_LITERAL("speeding"), REASON_RATELIMITED },
		{ SLICE_LITERAL("toomanyconn"), REASON_RATELIMITED },
		{ SLICE_LITERAL("exceedlimit"), REASON_EMAILTOOLARGE },
		{ SLICE_LITERAL("mesgtoobig"), REASON_EMAILTOOLARGE },
	};

	for (unsigned i = 1; i < COUNT(REASON_TABLE); i++) {
		if (slice_equal(word, slice_from_cstr(REASON_TABLE[i].word))) {
			*ret_reason = (enum reason)i;
			return true;
		}
	}
	for (unsigned i = 0; i < COUNT(renamed); i++) {
		if (slice_equal(word, renamed[i].older)) {
			*ret_reason = renamed[i].reason;
			return true;
		}
	}
	return false;
}

bool report_kind_from_word(struct slice word, enum report_kind *ret_kind)
{
	for (unsigned i = 0; i < COUNT(KIND_WORDS); i++) {
		if (slice_equal(word, slice_from_cstr(KIND_WORDS[i]))) {
			*ret_kind = (enum report_kind)i;
			return true;
		}
	}
	return false;
}

enum severity reason_severity(enum reason reason, bool permanent)
{
	assert(reason < COUNT(REASON_TABLE));
	if (reason == REASON_NOTACCEPT && !permanent)
		return SEVERITY_SOFT;
	return REASON_TABLE[reason].severity;
}

enum reason_class reason_class(enum reason reason)
{
	assert(reason < COUNT(REASON_TABLE));
	return REASON_TABLE[reason].class_;
}
