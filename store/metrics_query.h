/* SPDX-License-Identifier: Apache-2.0 */
/* Counts from the hourly roll-ups: costs the same at 10⁴ and at 10⁸ events. */
#ifndef BOUNCED_STORE_METRICS_QUERY_H
#define BOUNCED_STORE_METRICS_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/slice.h"
#include "store/pg.h"

/* What counts can be told apart by. The words are columns of rollup_hour and names in the API. */
#define METRICS_DIMENSIONS(X)                   \
	X(KIND, "kind")                         \
	X(CLASS, "class")                       \
	X(REASON, "reason")                     \
	X(SEVERITY, "severity")                 \
	X(TRUST, "trust")                       \
	X(CAMPAIGN, "campaign")                 \
	X(RECIPIENT_DOMAIN, "recipient_domain") \
	X(PROVIDER, "provider")

enum metrics_dimension {
#define X(name, word) METRICS_##name,
	METRICS_DIMENSIONS(X)
#undef X
		METRICS_DIMENSION_COUNT
};

struct metrics_query {
	int64_t from;   /* inclusive */
	int64_t before; /* exclusive */
	bool by_day;    /* UTC days instead of hours */
	bool group_by[METRICS_DIMENSION_COUNT];
	struct slice
		filter[METRICS_DIMENSION_COUNT]; /* empty lets all pass; not for the campaign */
	bool filter_campaign;
	int64_t campaign;
	unsigned limit;
};

struct metrics_row {
	int64_t bucket;                                   /* beginning of the hour or day */
	struct slice dimensions[METRICS_DIMENSION_COUNT]; /* of those asked for; not the campaign */
	int64_t campaign;
	int64_t events;
	int64_t suppressed; /* events that suppressed somebody */
};

struct metrics_rows {
	struct metrics_row *rows;
	size_t count;
};

const char *metrics_dimension_word(enum metrics_dimension dimension);

/* By time, then the larger counts first. OK, ERR_RETRY (database away), ERR_FATAL (pg_error()). */
enum err metrics_rollup(struct pg *pg, uint64_t account_id, const struct metrics_query *query,
			struct arena *arena, struct metrics_rows *ret_rows) MUST_CHECK;

#endif
