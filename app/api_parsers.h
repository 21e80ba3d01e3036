/* SPDX-License-Identifier: Apache-2.0 */
/* Parser children for the api process, shared by its threads, and for jobs. A child starts at its
 * first message. */
#ifndef BOUNCED_APP_API_PARSERS_H
#define BOUNCED_APP_API_PARSERS_H

#include "core/arena.h"
#include "core/err.h"
#include "core/report.h"
#include "core/slice.h"

struct api_parsers;

/* Caller frees. */
struct api_parsers *api_parsers_new(unsigned count, int rules_fd);
/* None may be at work. NULL is fine. */
void api_parsers_free(struct api_parsers *parsers);

/* Blocks. The report's text lives in the arena, with the trail if `explain`. ERR_RETRY: all
 * children were busy for too long, or none could be started. */
enum err api_parsers_parse(struct api_parsers *parsers, struct slice raw, bool explain,
			   struct arena *arena, struct report *ret_report) MUST_CHECK;

#endif
