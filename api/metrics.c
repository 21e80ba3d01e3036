/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources.h"

#include "api/params.h"
#include "api/problem.h"
#include "api/table.h"
#include "api/words.h"
#include "core/address.h"
#include "core/limits.h"
#include "core/timestamp.h"
#include "store/metrics_query.h"

/* More hours than that nobody can look at; days are few enough. */
#define HOURS_WINDOW_MS (31 * TIME_DAY_MS)

static bool is_interval_word(struct slice word)
{
	return slice_equal(word, SLICE("hour")) || slice_equal(word, SLICE("day"));
}

static bool window_read(struct call *call, struct metrics_query *query)
{
	struct slice interval = SLICE("day");
	int64_t step;

	query->before = call->request->received_at;
	query->from = TIME_NONE;
	if (!param_word(call, "interval", is_interval_word, &interval) ||
	    !param_time(call, "to", &query->before) || !param_time(call, "from", &query->from))
		return false;
	query->by_day = slice_equal(interval, SLICE("day"));
	if (query->from == TIME_NONE) {
		step = query->by_day ? TIME_DAY_MS : TIME_HOUR_MS;
		query->from = query->before - (query->by_day ? 30 * TIME_DAY_MS : TIME_DAY_MS);
		query->from -= query->from % step;
	}
	if (query->from >= query->before)
		problem_param(call, "from", "must lie before to");
	else if (!query->by_day && query->before - query->from > HOURS_WINDOW_MS)
		problem_param(call, "interval", "at most 31 days by hour");
	else
		return true;
	return false;
}

static bool group_by_read(struct call *call, struct metrics_query *query)
{
	struct slice list = SLICE_NONE, word;

	if (!param_text(call, "group_by", &list))
		return false;
	while (slice_next_field(&list, ',', &word)) {
		unsigned d = 0;

		while (d < METRICS_DIMENSION_COUNT &&
		       !slice_equal(word, slice_from_cstr(metrics_dimension_word(d))))
			d++;
		if (d == METRICS_DIMENSION_COUNT) {
			problem_param(call, "group_by",
				      "a comma-separated list of kind, class, reason, severity, "
				      "trust, campaign, recipient_domain, provider");
			return false;
		}
		query->group_by[d] = true;
	}
	return true;
}

static bool filters_read(struct call *call, struct metrics_query *query)
{
	struct slice *domain = &query->filter[METRICS_RECIPIENT_DOMAIN];
	uint64_t campaign = 0;

	if (!param_word(call, "kind", is_kind_word, &query->filter[METRICS_KIND]) ||
	    !param_word(call, "class", is_class_word, &query->filter[METRICS_CLASS]) ||
	    !param_word(call, "reason", is_reason_word, &query->filter[METRICS_REASON]) ||
	    !param_word(call, "severity", is_severity_word, &query->filter[METRICS_SEVERITY]) ||
	    !param_word(call, "trust", is_trust_word, &query->filter[METRICS_TRUST]) ||
	    !param_number(call, "campaign", &campaign) ||
	    !param_text(call, "recipient_domain", domain) ||
	    !param_text(call, "provider", &query->filter[METRICS_PROVIDER]))
		return false;
	query->filter_campaign = campaign != 0;
	query->campaign = (int64_t)campaign;
	if (slice_empty(*domain))
		return true;
	*domain = domain->len > LIMIT_DOMAIN ? SLICE_NONE : domain_normalise(call->arena, *domain);
	if (slice_empty(*domain))
		problem_param(call, "recipient_domain", "a domain name");
	return !slice_empty(*domain);
}

/* Time, what was grouped by, counts. */
static size_t columns_choose(const struct metrics_query *query,
			     const char *ret_columns[METRICS_DIMENSION_COUNT + 3])
{
	size_t count = 0;

	ret_columns[count++] = "time";
	for (unsigned d = 0; d < METRICS_DIMENSION_COUNT; d++)
		if (query->group_by[d])
			ret_columns[count++] = metrics_dimension_word(d);
	ret_columns[count++] = "events";
	ret_columns[count++] = "suppressed";
	return count;
}

static void row_write(struct table *table, const struct metrics_query *query,
		      const struct metrics_row *row)
{
	table_row_begin(table);
	table_time(table, row->bucket);
	for (unsigned d = 0; d < METRICS_DIMENSION_COUNT; d++) {
		if (!query->group_by[d])
			continue;
		if (d != METRICS_CAMPAIGN)
			table_text(table, row->dimensions[d]);
		else if (row->campaign == 0)
			table_null(table);
		else
			table_int(table, row->campaign);
	}
	table_int(table, row->events);
	table_int(table, row->suppressed);
	table_row_end(table);
}

void metrics_get(struct call *call)
{
	const char *columns[METRICS_DIMENSION_COUNT + 3];
	struct metrics_query query = { .limit = LIMIT_METRICS_ROWS + 1 };
	struct metrics_rows rows;
	struct table table;

	if (!window_read(call, &query) || !group_by_read(call, &query) ||
	    !filters_read(call, &query) ||
	    !problem_none(call, metrics_rollup(call->pg, call->principal.account_id, &query,
					       call->arena, &rows)))
		return;
	if (rows.count > LIMIT_METRICS_ROWS) {
		problem_field(call, 400, "too_many_rows", "group_by",
			      "more than 10000 rows: a shorter window, or fewer dimensions");
		return;
	}
	table_begin(&table, call, columns, columns_choose(&query, columns));
	for (size_t i = 0; i < rows.count; i++)
		row_write(&table, &query, &rows.rows[i]);
	table_end(&table, SLICE_NONE);
}
