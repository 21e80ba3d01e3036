/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern that ends takes the trust of all that still comes by it: told in time, and daily. */
#include "app/jobs/jobs.h"

#include "core/log.h"
#include "core/timestamp.h"
#include "store/admin.h"

#define NOTICE_DAYS 7

static void tell(const struct directory_pattern *pattern, int64_t unix_ms)
{
	int64_t left = pattern->expires_at - unix_ms;

	if (pattern->expires_at == TIME_NONE || left <= 0 || left > NOTICE_DAYS * TIME_DAY_MS)
		return;
	log_event(LOG_WARNING, "alert", LOG_STR("alert", "legacy_pattern_ends"),
		  LOG_SLICE("domain", pattern->domain), LOG_SLICE("template", pattern->template_),
		  LOG_INT("days", left / TIME_DAY_MS));
}

enum job_outcome job_legacy_patterns(struct jobs *jobs, int64_t unix_ms)
{
	struct admin admin = { .pg = jobs->pg, .arena = arena_new(0) };
	struct admin_pattern *patterns;
	struct slice error;
	size_t count = 0;
	enum err err = admin_pattern_list(&admin, &patterns, &count, &error);

	for (size_t i = 0; err == OK && i < count; i++)
		tell(&patterns[i].pattern, unix_ms);
	arena_free(admin.arena);
	return err == OK ? JOB_DONE : job_failed(jobs, "legacy_patterns");
}
