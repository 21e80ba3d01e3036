/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our reasons in the words of other systems, so that a platform which moves keeps its code:
 * SparkPost's bounce classes, Postmark's bounce types, SES's bounceType and bounceSubType,
 * KumoMTA's classes. Offered on output only; nothing here decides anything.
 */
#ifndef BOUNCED_CORE_VOCABULARY_H
#define BOUNCED_CORE_VOCABULARY_H

#include <stdbool.h>

#include "core/reason.h"
#include "core/slice.h"

#define VOCABULARIES(X)           \
	X(SPARKPOST, "sparkpost") \
	X(POSTMARK, "postmark")   \
	X(SES, "ses")             \
	X(KUMOMTA, "kumomta")

struct json_writer;

enum vocabulary {
	VOCABULARY_NONE,
#define X(name, word) VOCABULARY_##name,
	VOCABULARIES(X)
#undef X
		VOCABULARY_COUNT
};

struct vocabulary_class {
	const char *class_; /* "10", "HardBounce", "Permanent", "InvalidRecipient"; "" where it has
			       none */
	const char *detail; /* "Invalid Recipient", "1", "General", ""  */
};

/* Exact, lower case; false leaves *ret_vocabulary alone. */
bool vocabulary_from_word(struct slice word, enum vocabulary *ret_vocabulary);
const char *vocabulary_word(enum vocabulary vocabulary);

/* kind: of the report. A delay, a challenge or an unsubscribe mail has a class of its own, whatever
 * the reason; for the rest the reason decides. Of VOCABULARY_NONE: both empty. */
struct vocabulary_class vocabulary_class(enum vocabulary vocabulary, enum report_kind kind,
					 enum reason reason);

/* What the class is called wherever it stands: "ses_class", "ses_detail". */
struct vocabulary_names {
	char class_[20];
	char detail[20];
};

void vocabulary_names(enum vocabulary vocabulary, struct vocabulary_names *ret_names);
/* Both as members of the object under way; nothing for VOCABULARY_NONE. */
void vocabulary_json(struct json_writer *json, enum vocabulary vocabulary, enum report_kind kind,
		     enum reason reason);

#endif
