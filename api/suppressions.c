/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources.h"

#include "api/body.h"
#include "api/params.h"
#include "api/problem.h"
#include "api/subject.h"
#include "api/table.h"
#include "api/words.h"
#include "core/timestamp.h"

#define NOTE_MAX 1000

static const char *const COLUMNS[] = {
	"id",       "address",        "ref",    "stream",     "reason",     "origin",     "policy",
	"evidence", "can_reactivate", "change", "created_at", "updated_at", "expires_at",
};

#define COLUMN_COUNT (sizeof(COLUMNS) / sizeof(COLUMNS[0]))

static void row_write(struct table *table, const struct suppression_row *row)
{
	table_row_begin(table);
	table_uuid(table, &row->id);
	table_text(table, row->address);
	table_text(table, row->ref);
	table_text(table, row->stream);
	table_text(table, row->reason);
	table_text(table, row->origin);
	table_text(table, row->policy);
	table_raw(table, row->evidence);
	table_bool(table, row->can_reactivate);
	table_int(table, row->change_number);
	table_time(table, row->created_at);
	table_time(table, row->updated_at);
	table_time(table, row->expires_at);
	table_row_end(table);
}

void suppressions_list(struct call *call)
{
	struct suppression_filter filter = { .created_from = TIME_NONE,
					     .created_before = TIME_NONE };
	struct suppression_rows rows;
	struct slice next = SLICE_NONE;
	struct table table;
	struct page page;

	if (!param_word(call, "stream", is_stream_word, &filter.stream) ||
	    !param_word(call, "origin", is_origin_word, &filter.origin) ||
	    !param_word(call, "reason", is_suppression_reason_word, &filter.reason) ||
	    !param_time(call, "from", &filter.created_from) ||
	    !param_time(call, "to", &filter.created_before) || !param_page(call, &page))
		return;
	filter.after = page.position.id;
	filter.limit = page.limit + 1; /* one more says whether there is a next page */
	if (!problem_none(call, suppression_list(call->pg, call->principal.account_id, &filter,
						 call->arena, &rows)))
		return;
	table_begin(&table, call, COLUMNS, COLUMN_COUNT);
	for (size_t i = 0; i < rows.count; i++) {
		if (i == page.limit || table_full(&table)) {
			next = page_next(call, &page,
					 &(struct cursor_position){ .id = rows.rows[i - 1].id });
			break;
		}
		row_write(&table, &rows.rows[i]);
	}
	table_end(&table, next);
}

/* The {} of the path and `stream`. */
static bool subject_read(struct call *call, struct suppression_subject *ret_subject,
			 struct slice *ret_stream)
{
	if (!subject_parse(call->request->args[0], call->arena, ret_subject)) {
		problem_field(call, 400, "invalid_address", "address",
			      "the path names no mail address, nor a ref as ref:…");
		return false;
	}
	return param_word(call, "stream", is_stream_word, ret_stream);
}

void suppressions_get(struct call *call)
{
	struct suppression_subject subject;
	struct slice stream = SLICE_NONE;
	struct suppression_rows rows;
	struct table table;

	if (!subject_read(call, &subject, &stream) ||
	    !problem_none(call, suppression_get(call->pg, call->principal.account_id, &subject,
						stream, call->arena, &rows)))
		return;
	if (rows.count == 0) {
		problem(call, 404, "not_suppressed", "nothing suppresses this");
		return;
	}
	table_begin(&table, call, COLUMNS, COLUMN_COUNT);
	for (size_t i = 0; i < rows.count; i++)
		row_write(&table, &rows.rows[i]);
	table_end(&table, SLICE_NONE);
}

/* What stands in place of a report as the cause of an entry made by hand. */
static struct slice manual_evidence(const struct call *call, struct slice note)
{
	struct json_writer json;
	struct slice text;
	struct buf buf;

	buf_init(&buf, 16 * NOTE_MAX);
	json_init(&json, &buf);
	json_object_begin(&json);
	json_put_optional(&json, "note", note);
	json_put_string(&json, "key", call->principal.key_id);
	json_object_end(&json);
	text = arena_copy(call->arena, buf_slice(&buf));
	buf_done(&buf);
	return text;
}

static bool entry_read(struct call *call, struct suppression_entry *ret_entry)
{
	static const char *const MEMBERS[] = { "reason", "note", "expires_at", NULL };
	struct slice note = SLICE_NONE, reason = SLICE("manual");
	BODY_ROOT body = { 0 };

	if (!body_parse(call, &body) || !body_only(&body, MEMBERS) ||
	    !body_word(&body, "reason", is_suppression_reason_word, &reason) ||
	    !body_text(&body, "note", &note) ||
	    !body_time(&body, "expires_at", &ret_entry->expires_at))
		return false;
	if (note.len > NOTE_MAX)
		return body_refuse(&body, "note", "at most 1000 bytes");
	if (ret_entry->expires_at != TIME_NONE &&
	    ret_entry->expires_at <= call->request->received_at)
		return body_refuse(&body, "expires_at", "must lie ahead");
	ret_entry->reason = arena_copy(call->arena, reason);
	ret_entry->evidence = manual_evidence(call, note);
	return true;
}

void suppressions_put(struct call *call)
{
	struct suppression_entry entry = {
		.id = uuid_v7(call->request->received_at),
		.stream = SLICE_LITERAL("all"),
		.expires_at = TIME_NONE,
	};
	struct suppression_row row;
	struct table table;
	bool created;

	if (!subject_read(call, &entry.subject, &entry.stream) || !entry_read(call, &entry))
		return;
	if (slice_empty(entry.subject.ref))
		entry.address = call->request->args[0];
	if (!problem_none(call, suppression_put(call->pg, call->principal.account_id, &entry,
						call->arena, &row, &created)))
		return;
	call->response->status = created ? 201 : 200;
	table_single(&table, call, COLUMNS, COLUMN_COUNT);
	row_write(&table, &row);
}

void suppressions_delete(struct call *call)
{
	struct suppression_removal removal = { .by = call->principal.key_id };
	struct suppression_subject subject;
	struct slice stream = SLICE_NONE;
	enum err err;

	if (!subject_read(call, &subject, &stream) ||
	    !param_text(call, "consent", &removal.consent))
		return;
	if (removal.consent.len > NOTE_MAX) {
		problem_param(call, "consent", "at most 1000 bytes");
		return;
	}
	err = suppression_remove(call->pg, call->principal.account_id, &subject, stream, &removal,
				 call->arena);
	if (err == ERR_REFUSE)
		problem_field(
			call, 409, "consent_required", "consent",
			"the recipient complained or unsubscribed: say how they agreed to mail");
	else if (err == ERR_MISSING)
		problem(call, 404, "not_suppressed", "nothing suppresses this");
	else if (problem_none(call, err))
		call->response->status = 204;
}
