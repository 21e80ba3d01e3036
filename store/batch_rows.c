/* SPDX-License-Identifier: Apache-2.0 */
#include "store/batch_rows.h"

#include "core/address.h"
#include "core/authentication.h"
#include "core/buf.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/report_json.h"
#include "core/utf8.h"

/* A report is at most LIMIT_REPORT_WIRE; JSON writes a byte as six at worst. */
#define DETAIL_MAX (8 * (size_t)LIMIT_REPORT_WIRE)
/* What the evidence of a suppression keeps of the diagnostic. */
#define EVIDENCE_DIAGNOSTIC 1024
#define EVIDENCE_MAX        (64 * 1024)
#define AUTHENTICATION_MAX  (64 * 1024)

static const struct report_recipient NO_RECIPIENT = { 0 };

/* Takes what was written over into the arena. */
static struct slice buf_settle(struct buf *buf, struct arena *arena)
{
	struct slice text = buf->full ? SLICE("{\"oversize\":true}") : buf_slice(buf);
	struct slice copy = arena_copy(arena, text);

	buf_done(buf);
	return copy;
}

static struct slice report_detail(const struct report *report, struct arena *arena)
{
	struct buf buf;
	struct json_writer json;

	buf_init(&buf, DETAIL_MAX);
	json_init(&json, &buf);
	json_object_begin(&json);
	report_json_members(&json, report, VOCABULARY_NONE);
	json_object_end(&json);
	return buf_settle(&buf, arena);
}

/* As an array literal: rows of unnest() cannot hold arrays of different lengths. */
static struct slice text_array_literal(const struct slice *items, size_t count, struct arena *arena)
{
	size_t len = 2;

	for (size_t i = 0; i < count; i++)
		len += 3 + 2 * items[i].len;

	char *text = arena_alloc(arena, len);
	char *out = text;
	*out++ = '{';
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			*out++ = ',';
		*out++ = '"';
		for (size_t j = 0; j < items[i].len; j++) {
			if (items[i].ptr[j] == '"' || items[i].ptr[j] == '\\')
				*out++ = '\\';
			*out++ = items[i].ptr[j];
		}
		*out++ = '"';
	}
	*out++ = '}';
	return slice_from(text, (size_t)(out - text));
}

static struct slice join_flags(struct slice flags, struct slice more, struct arena *arena)
{
	if (slice_empty(flags) || slice_empty(more))
		return slice_empty(flags) ? more : flags;
	return arena_printf(arena, "%.*s %.*s", SLICE_ARG(flags), SLICE_ARG(more));
}

static struct slice report_flags(const struct filing *filing, struct arena *arena)
{
	struct slice flags = filing->report->flags;

	if (filing->inbound->bare_eol)
		flags = join_flags(flags, SLICE("bare-eol"), arena);
	return join_flags(flags, filing->inbound->listed, arena);
}

static struct slice authentication_text(const struct inbound *inbound, struct arena *arena)
{
	struct buf buf;
	struct json_writer json;

	if (inbound->authentication == NULL)
		return SLICE_NONE;
	buf_init(&buf, AUTHENTICATION_MAX);
	json_init(&json, &buf);
	authentication_json(&json, inbound->authentication);
	return buf_settle(&buf, arena);
}

/* What the envelope says, and who sent it. */
static void report_row_envelope(const struct filing *filing, struct arena *arena, struct slice *row)
{
	const struct inbound *inbound = filing->inbound;

	row[REPORT_TEXT_SOURCE] = inbound->source;
	row[REPORT_TEXT_PEER] = inbound->peer;
	row[REPORT_TEXT_HELO] = inbound->helo;
	row[REPORT_TEXT_TLS] = inbound->tls;
	row[REPORT_TEXT_MAIL_FROM] = inbound->mail_from;
	row[REPORT_TEXT_RECIPIENTS] =
		text_array_literal(filing->recipients, filing->recipient_count, arena);
	row[REPORT_TEXT_FLAGS] = report_flags(filing, arena);
	row[REPORT_TEXT_AUTHENTICATION] = authentication_text(inbound, arena);
}

void report_row(const struct filing *filing, struct arena *arena,
		struct slice ret_row[REPORT_TEXT_COUNT])
{
	const struct report *report = filing->report;

	report_row_envelope(filing, arena, ret_row);
	ret_row[REPORT_TEXT_KIND] = slice_from_cstr(report_kind_word(report->kind));
	ret_row[REPORT_TEXT_FORMAT] = report->format;
	ret_row[REPORT_TEXT_TRUST] = slice_from_cstr(trust_word(filing->trust));
	ret_row[REPORT_TEXT_DETAIL] = report_detail(report, arena);
	ret_row[REPORT_TEXT_QUARANTINE] = report->quarantine;
}

void report_row_quarantined(const struct filing *filing, struct slice why, struct arena *arena,
			    struct slice ret_row[REPORT_TEXT_COUNT])
{
	struct report nothing = { .kind = REPORT_QUARANTINED, .quarantine = why };

	report_row_envelope(filing, arena, ret_row);
	ret_row[REPORT_TEXT_KIND] = slice_from_cstr(report_kind_word(REPORT_QUARANTINED));
	ret_row[REPORT_TEXT_FORMAT] = SLICE_NONE;
	ret_row[REPORT_TEXT_TRUST] = slice_from_cstr(trust_word(filing->trust));
	ret_row[REPORT_TEXT_DETAIL] = report_detail(&nothing, arena);
	ret_row[REPORT_TEXT_QUARANTINE] = why;
}

static struct slice effect_word(enum effect effect)
{
	switch (effect) {
	case EFFECT_SUPPRESS:
		return SLICE("suppress");
	case EFFECT_WOULD_SUPPRESS:
		return SLICE("would_suppress");
	case EFFECT_NONE:
		break;
	}
	return SLICE("none");
}

static const struct report_recipient *event_recipient(const struct filing_event *event)
{
	return event->recipient ? event->recipient : &NO_RECIPIENT;
}

void event_row(const struct filing *filing, const struct filing_event *event,
	       struct slice ret_row[EVENT_TEXT_COUNT])
{
	const struct report_recipient *recipient = event_recipient(event);

	ret_row[EVENT_TEXT_KIND] = slice_from_cstr(report_kind_word(event->kind));
	ret_row[EVENT_TEXT_CLASS] = slice_from_cstr(reason_class_word(recipient->class_));
	ret_row[EVENT_TEXT_REASON] = slice_from_cstr(reason_word(recipient->reason));
	ret_row[EVENT_TEXT_SEVERITY] = slice_from_cstr(severity_word(recipient->severity));
	ret_row[EVENT_TEXT_TRUST] = slice_from_cstr(trust_word(event->trust));
	ret_row[EVENT_TEXT_RECIPIENT_DOMAIN] = event->recipient_domain;
	ret_row[EVENT_TEXT_PROVIDER] = event->provider;
	ret_row[EVENT_TEXT_EFFECT] = effect_word(event->effect);
	ret_row[EVENT_TEXT_ADDRESS] = recipient->redacted ? SLICE_NONE : recipient->address;
	ret_row[EVENT_TEXT_ORIGINAL_ADDRESS] = recipient->original;
	ret_row[EVENT_TEXT_ADDRESS_KEY] = event->address;
	ret_row[EVENT_TEXT_REF] = event->ref;
	ret_row[EVENT_TEXT_ACTION] = slice_from_cstr(report_action_word(recipient->action));
	ret_row[EVENT_TEXT_STATUS] = recipient->status;
	ret_row[EVENT_TEXT_REPLY_CODE] = recipient->reply_code;
	ret_row[EVENT_TEXT_REMOTE_MTA] = recipient->remote_mta;
	ret_row[EVENT_TEXT_DIAGNOSTIC] = recipient->diagnostic;
	ret_row[EVENT_TEXT_RULE] = recipient->rule;
	ret_row[EVENT_TEXT_MATCHED] = recipient->matched;
	ret_row[EVENT_TEXT_FEEDBACK_TYPE] = filing->report->feedback_type;
	ret_row[EVENT_TEXT_POLICY] = event->policy;
}

/* The frozen copy: enough to understand the entry when the report is long gone. */
static struct slice evidence(const struct filing *filing, const struct filing_event *event,
			     struct arena *arena)
{
	const struct report_recipient *recipient = event_recipient(event);
	const struct report *report = filing->report;
	struct buf buf;
	struct json_writer json;

	buf_init(&buf, EVIDENCE_MAX);
	json_init(&json, &buf);
	json_object_begin(&json);
	json_put_cstr(&json, "kind", report_kind_word(event->kind));
	json_put_string(&json, "status", recipient->status);
	json_put_string(&json, "reply_code", recipient->reply_code);
	json_put_optional(&json, "diagnostic",
			  utf8_truncate(recipient->diagnostic, EVIDENCE_DIAGNOSTIC));
	json_put_optional(&json, "rule", recipient->rule);
	json_put_optional(&json, "matched", utf8_truncate(recipient->matched, EVIDENCE_DIAGNOSTIC));
	json_put_optional(&json, "remote_mta", recipient->remote_mta);
	json_put_optional(&json, "reporting_mta", report->reporting_mta);
	json_put_optional(&json, "feedback_type", report->feedback_type);
	json_put_cstr(&json, "trust", trust_word(event->trust));
	json_put_string(&json, "source", filing->inbound->source);
	json_put_string(&json, "peer", filing->inbound->peer);
	json_put_time(&json, "received_at", filing->inbound->received_at);
	json_put_time(&json, "arrival_date", report->arrival_date);
	json_put_uuid(&json, "report_id", &filing->report_id);
	json_put_uuid(&json, "event_id", &event->id);
	json_object_end(&json);
	return buf_settle(&buf, arena);
}

/* As the report wrote it, where that is the address that is suppressed; else its normal form. */
static struct slice address_as_written(const struct filing_event *event, struct arena *arena)
{
	struct slice written = event_recipient(event)->address;

	return slice_equal(address_normalise(arena, written), event->address) ? written
									      : event->address;
}

void address_row(const struct filing_event *event, struct arena *arena,
		 struct slice ret_row[ADDRESS_TEXT_COUNT])
{
	ret_row[ADDRESS_TEXT_WRITTEN] = address_as_written(event, arena);
	ret_row[ADDRESS_TEXT_KEY] = event->address;
}

/* A complaint or an unsubscribe carries no delivery reason. */
static struct slice suppression_reason(const struct filing_event *event)
{
	enum reason reason = event_recipient(event)->reason;

	if (suppression_is_final(event) || reason == REASON_NONE)
		return slice_from_cstr(report_kind_word(event->kind));
	return slice_from_cstr(reason_word(reason));
}

bool suppression_is_final(const struct filing_event *event)
{
	return event->origin == ORIGIN_COMPLAINT || event->origin == ORIGIN_UNSUBSCRIBE;
}

bool suppression_row(const struct filing *filing, const struct filing_event *event,
		     struct arena *arena, struct slice ret_row[SUPPRESSION_TEXT_COUNT])
{
	bool by_address = event->suppress_address && !slice_empty(event->address);

	if (event->effect != EFFECT_SUPPRESS || (!by_address && slice_empty(event->ref)))
		return false;
	ret_row[SUPPRESSION_TEXT_STREAM] = event->stream;
	ret_row[SUPPRESSION_TEXT_ADDRESS] =
		by_address ? address_as_written(event, arena) : SLICE_NONE;
	ret_row[SUPPRESSION_TEXT_ADDRESS_KEY] = by_address ? event->address : SLICE_NONE;
	ret_row[SUPPRESSION_TEXT_REF] = event->ref;
	ret_row[SUPPRESSION_TEXT_REASON] = suppression_reason(event);
	ret_row[SUPPRESSION_TEXT_ORIGIN] = slice_from_cstr(origin_word(event->origin));
	ret_row[SUPPRESSION_TEXT_POLICY] = event->policy;
	ret_row[SUPPRESSION_TEXT_EVIDENCE] = evidence(filing, event, arena);
	return true;
}
