/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/readers.h"

#include <string.h>

#include "core/limits.h"

#define X(name) &reader_##name,
const struct reader *const READERS[] = { READER_LIST(X) };
#undef X

const size_t READER_COUNT = sizeof(READERS) / sizeof(READERS[0]);

struct report_recipient *reading_add(const struct message *message, struct reading *reading)
{
	if (reading->recipient_count == LIMIT_REPORT_RECIPIENTS)
		return NULL;
	if (reading->recipient_count == reading->recipient_cap) {
		size_t cap = reading->recipient_cap ? reading->recipient_cap * 2 : 4;
		struct report_recipient *grown =
			ARENA_ARRAY(message->arena, struct report_recipient, cap);
		if (reading->recipient_count > 0)
			memcpy(grown, reading->recipients,
			       reading->recipient_count * sizeof(*grown));
		reading->recipients = grown;
		reading->recipient_cap = cap;
	}
	struct report_recipient *recipient = &reading->recipients[reading->recipient_count++];
	*recipient = (struct report_recipient){
		.address = SLICE_NONE,
		.original = SLICE_NONE,
		.status = SLICE_NONE,
		.reply_code = SLICE_NONE,
		.remote_mta = SLICE_NONE,
		.diagnostic = SLICE_NONE,
		.rule = SLICE_NONE,
		.matched = SLICE_NONE,
	};
	return recipient;
}
