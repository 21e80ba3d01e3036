/* SPDX-License-Identifier: Apache-2.0 */
#include "app/refusal_log.h"

#include "core/log.h"

void refusal_log_init(struct refusal_log *log, struct peer_limits *limits, int64_t now_ms)
{
	*log = (struct refusal_log){
		.limits = limits,
		.due_ms = limits == NULL ? INT64_MAX : now_ms + REFUSAL_LOG_MS,
	};
}

static uint64_t sum(const struct refusal_log *log)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < REFUSAL_COUNT; i++)
		all += refusal_read(peer_limits_refusals(log->limits), (enum refusal)i);
	return all;
}

void refusal_log_write(struct refusal_log *log)
{
	struct log_field fields[REFUSAL_COUNT + 2];
	unsigned count = 0;

	if (log->limits == NULL)
		return;
	fields[count++] =
		LOG_INT("open_connections", (int64_t)peer_limits_connections(log->limits));
	for (unsigned i = 0; i < REFUSAL_COUNT; i++) {
		enum refusal refusal = (enum refusal)i;

		fields[count++] =
			LOG_INT(refusal_word(refusal),
				(int64_t)refusal_read(peer_limits_refusals(log->limits), refusal));
	}
	fields[count] = LOG_END;
	log_write(LOG_INFO, "refused", fields);
	log->written = sum(log);
}

int64_t refusal_log_do_due(struct refusal_log *log, int64_t now_ms)
{
	if (now_ms >= log->due_ms) {
		if (sum(log) != log->written)
			refusal_log_write(log);
		log->due_ms = now_ms + REFUSAL_LOG_MS;
	}
	return log->due_ms;
}
