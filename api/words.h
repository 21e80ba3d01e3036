/* SPDX-License-Identifier: Apache-2.0 */
/* The vocabulary of reports and suppressions as clients may write it, in parameters and bodies. */
#ifndef BOUNCED_API_WORDS_H
#define BOUNCED_API_WORDS_H

#include <stdbool.h>

#include "core/slice.h"

bool is_kind_word(struct slice word);
bool is_reason_word(struct slice word);
bool is_class_word(struct slice word);
bool is_severity_word(struct slice word);
bool is_trust_word(struct slice word);
/* "all", "marketing", "transactional" */
bool is_stream_word(struct slice word);
bool is_origin_word(struct slice word);
/* Why somebody is suppressed: a reason, or "complaint", "unsubscribe", "manual". */
bool is_suppression_reason_word(struct slice word);

#endif
