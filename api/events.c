/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources.h"

#include <string.h>

#include "api/params.h"
#include "api/problem.h"
#include "api/table.h"
#include "api/words.h"
#include "core/reason.h"
#include "core/timestamp.h"
#include "core/vocabulary.h"
#include "store/event_query.h"

/* What `bounced parse` also prints has the same name here. */
static const char *const COLUMNS[] = {
	"id",         "received_at", "report_id",  "kind",       "trust",    "late",
	"attributed", "address",     "original",   "ref",        "campaign", "recipient_domain",
	"provider",   "action",      "status",     "reply_code", "reason",   "severity",
	"class",      "remote_mta",  "diagnostic", "rule",       "matched",  "feedback_type",
	"effect",     "policy",
};

#define COLUMN_COUNT (sizeof(COLUMNS) / sizeof(COLUMNS[0]))

/* The columns of one answer: with a vocabulary there are two more. */
struct columns {
	struct vocabulary_names added;
	const char *names[COLUMN_COUNT + 2];
	size_t count;
};

static void columns_choose(struct columns *columns, enum vocabulary vocabulary)
{
	memcpy(columns->names, COLUMNS, sizeof(COLUMNS));
	columns->count = COLUMN_COUNT;
	if (vocabulary == VOCABULARY_NONE)
		return;
	vocabulary_names(vocabulary, &columns->added);
	columns->names[columns->count++] = columns->added.class_;
	columns->names[columns->count++] = columns->added.detail;
}

static void vocabulary_write(struct table *table, enum vocabulary vocabulary,
			     const struct event_row *row)
{
	enum report_kind kind = REPORT_NONE;
	enum reason reason = REASON_NONE;
	struct vocabulary_class class_;

	if (vocabulary == VOCABULARY_NONE)
		return;
	(void)report_kind_from_word(row->kind, &kind);
	(void)reason_from_word(row->reason, &reason);
	class_ = vocabulary_class(vocabulary, kind, reason);
	table_text(table, slice_from_cstr(class_.class_));
	table_text(table, slice_from_cstr(class_.detail));
}

static void row_write(struct table *table, enum vocabulary vocabulary, const struct event_row *row)
{
	table_row_begin(table);
	table_uuid(table, &row->id);
	table_time(table, row->received_at);
	table_uuid(table, &row->report_id);
	table_text(table, row->kind);
	table_text(table, row->trust);
	table_bool(table, row->late);
	table_bool(table, row->attributed);
	table_text(table, row->address);
	table_text(table, row->original_address);
	table_text(table, row->ref);
	if (row->campaign == 0)
		table_null(table);
	else
		table_int(table, row->campaign);
	table_text(table, row->recipient_domain);
	table_text(table, row->provider);
	table_text(table, row->action);
	table_text(table, row->status);
	table_text(table, row->reply_code);
	table_text(table, row->reason);
	table_text(table, row->severity);
	table_text(table, row->class_);
	table_text(table, row->remote_mta);
	table_text(table, row->diagnostic);
	table_text(table, row->rule);
	table_text(table, row->matched);
	table_text(table, row->feedback_type);
	table_text(table, row->effect);
	table_text(table, row->policy);
	vocabulary_write(table, vocabulary, row);
	table_row_end(table);
}

static bool filter_read(struct call *call, struct event_filter *ret_filter, struct page *ret_page)
{
	*ret_filter = (struct event_filter){
		.before_time = TIME_NONE,
		.received_from = TIME_NONE,
		.received_before = TIME_NONE,
	};
	if (!param_address(call, "address", &ret_filter->address_key) ||
	    !param_text(call, "ref", &ret_filter->ref) ||
	    !param_word(call, "kind", is_kind_word, &ret_filter->kind) ||
	    !param_word(call, "reason", is_reason_word, &ret_filter->reason) ||
	    !param_word(call, "class", is_class_word, &ret_filter->class_) ||
	    !param_number(call, "campaign", &ret_filter->campaign) ||
	    !param_time(call, "from", &ret_filter->received_from) ||
	    !param_time(call, "to", &ret_filter->received_before) || !param_page(call, ret_page))
		return false;
	if (ret_page->continued) {
		ret_filter->before_time = ret_page->position.time;
		ret_filter->before_id = ret_page->position.id;
	}
	ret_filter->limit = ret_page->limit + 1; /* one more says whether there is a next page */
	return true;
}

void events_list(struct call *call)
{
	enum vocabulary vocabulary = VOCABULARY_NONE;
	struct slice next = SLICE_NONE;
	struct event_filter filter;
	struct event_rows rows;
	struct columns columns;
	struct table table;
	struct page page;

	if (!filter_read(call, &filter, &page) || !param_vocabulary(call, &vocabulary) ||
	    !problem_none(call, event_list(call->pg, call->principal.account_id, &filter,
					   call->arena, &rows)))
		return;
	columns_choose(&columns, vocabulary);
	table_begin(&table, call, columns.names, columns.count);
	for (size_t i = 0; i < rows.count; i++) {
		if (i == page.limit || table_full(&table)) {
			const struct event_row *last = &rows.rows[i - 1];

			next = page_next(call, &page,
					 &(struct cursor_position){ last->received_at, last->id });
			break;
		}
		row_write(&table, vocabulary, &rows.rows[i]);
	}
	table_end(&table, next);
}

void events_get(struct call *call)
{
	enum vocabulary vocabulary = VOCABULARY_NONE;
	struct columns columns;
	struct event_row row;
	struct table table;
	struct uuid id;

	/* What is no id names nothing that exists. */
	if (!uuid_parse(call->request->args[0], &id)) {
		problem_none(call, ERR_MISSING);
		return;
	}
	if (!param_vocabulary(call, &vocabulary) ||
	    !problem_none(call,
			  event_get(call->pg, call->principal.account_id, &id, call->arena, &row)))
		return;
	columns_choose(&columns, vocabulary);
	table_single(&table, call, columns.names, columns.count);
	row_write(&table, vocabulary, &row);
}
