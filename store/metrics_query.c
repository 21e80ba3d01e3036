/* SPDX-License-Identifier: Apache-2.0 */
#include "store/metrics_query.h"

#include "store/statements.h"

static const char *const WORDS[METRICS_DIMENSION_COUNT] = {
#define X(name, word) [METRICS_##name] = (word),
	METRICS_DIMENSIONS(X)
#undef X
};

const char *metrics_dimension_word(enum metrics_dimension dimension)
{
	return WORDS[dimension];
}

static void params_fill(struct pg_params *params, uint64_t account_id,
			const struct metrics_query *query)
{
	pg_param_int8(params, (int64_t)account_id);
	pg_param_time(params, query->from);
	pg_param_time(params, query->before);
	pg_param_text(params, query->by_day ? SLICE("day") : SLICE("hour"));
	for (unsigned i = 0; i < METRICS_DIMENSION_COUNT; i++)
		pg_param_bool(params, query->group_by[i]);
	for (unsigned i = 0; i < METRICS_DIMENSION_COUNT; i++)
		if (i == METRICS_CAMPAIGN)
			pg_param_int8(params, query->filter_campaign ? query->campaign : -1);
		else
			pg_param_text(params, query->filter[i]);
	pg_param_int8(params, query->limit);
}

enum err metrics_rollup(struct pg *pg, uint64_t account_id, const struct metrics_query *query,
			struct arena *arena, struct metrics_rows *ret_rows)
{
	PG_RESULT result = NULL;
	struct pg_params params;
	enum err err;

	pg_params_init(&params, arena);
	/* What is grouped by shapes the plan. */
	params.once = true;
	params_fill(&params, account_id, query);
	err = pg_err(pg_exec_account(pg, account_id, SQL_METRICS_ROLLUP, &params, &result));
	if (err != OK)
		return err;
	ret_rows->count = (size_t)pg_rows(result);
	ret_rows->rows = ARENA_ARRAY(arena, struct metrics_row, ret_rows->count);
	for (size_t n = 0; n < ret_rows->count; n++) {
		struct metrics_row *row = &ret_rows->rows[n];
		int i = (int)n;

		row->bucket = pg_time(result, i, "bucket");
		row->campaign = pg_int(result, i, "campaign");
		row->events = pg_int(result, i, "events");
		row->suppressed = pg_int(result, i, "suppressed");
		for (unsigned d = 0; d < METRICS_DIMENSION_COUNT; d++)
			if (d != METRICS_CAMPAIGN)
				row->dimensions[d] =
					arena_copy(arena, pg_text(result, i, WORDS[d]));
	}
	return OK;
}
