/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/category.h"

enum reason category_reason(struct slice category)
{
	static const struct {
		struct slice name;
		enum reason reason;
	} CATEGORIES[] = {
		{ SLICE_LITERAL("bad-mailbox"), REASON_USERUNKNOWN },
		{ SLICE_LITERAL("bad-domain"), REASON_HOSTUNKNOWN },
		{ SLICE_LITERAL("inactive-mailbox"), REASON_SUSPEND },
		{ SLICE_LITERAL("quota-issues"), REASON_MAILBOXFULL },
		{ SLICE_LITERAL("message-expired"), REASON_EXPIRED },
		{ SLICE_LITERAL("no-answer-from-host"), REASON_NETWORKERROR },
		{ SLICE_LITERAL("bad-connection"), REASON_NETWORKERROR },
		{ SLICE_LITERAL("routing-errors"), REASON_NETWORKERROR },
		{ SLICE_LITERAL("relaying-issues"), REASON_NORELAYING },
		{ SLICE_LITERAL("policy-related"), REASON_POLICYVIOLATION },
		{ SLICE_LITERAL("content-related"), REASON_CONTENTERROR },
		{ SLICE_LITERAL("spam-related"), REASON_SPAMDETECTED },
		{ SLICE_LITERAL("virus-related"), REASON_VIRUSDETECTED },
		{ SLICE_LITERAL("invalid-sender"), REASON_REJECTED },
		{ SLICE_LITERAL("protocol-errors"), REASON_SYNTAXERROR },
		{ SLICE_LITERAL("bad-configuration"), REASON_SYSTEMERROR },
	};

	for (size_t i = 0; i < sizeof(CATEGORIES) / sizeof(CATEGORIES[0]); i++) {
		if (slice_equal_nocase(category, CATEGORIES[i].name))
			return CATEGORIES[i].reason;
	}
	return REASON_NONE;
}
