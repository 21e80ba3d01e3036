/* SPDX-License-Identifier: Apache-2.0 */
/* A stored report in the words of other systems. */
#ifndef BOUNCED_API_REPORT_WORDS_H
#define BOUNCED_API_REPORT_WORDS_H

#include "core/arena.h"
#include "core/slice.h"
#include "core/vocabulary.h"

/* detail: the JSON object that core/report_json.h writes. Each of its recipients gets the class of
 * that system; nothing changes for VOCABULARY_NONE. */
struct slice report_in_words(struct slice detail, enum vocabulary vocabulary, struct arena *arena);

#endif
