/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON view of a report, the same in `bounced parse`, POST /v1/parse and GET /v1/reports/{id}.
 */
#ifndef BOUNCED_CORE_REPORT_JSON_H
#define BOUNCED_CORE_REPORT_JSON_H

#include "core/json.h"
#include "core/report.h"
#include "core/vocabulary.h"

/* Writes the members into an object that the caller has begun. vocabulary: whose class each
 * recipient gets besides. */
void report_json_members(struct json_writer *json, const struct report *report,
			 enum vocabulary vocabulary);

#endif
