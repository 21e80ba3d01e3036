/* SPDX-License-Identifier: Apache-2.0 */
/* Filings made up for tests, and a committer driven by poll(2). */
#ifndef BOUNCED_TESTS_DB_FILINGS_H
#define BOUNCED_TESTS_DB_FILINGS_H

#include <poll.h>
#include <string.h>

#include "core/filing.h"
#include "store/commit.h"
#include "tests/db/database.h"

#define PATIENCE_MS 20000

/* A hard bounce of `address` for account 1 that suppresses it. text makes its key, and the event's
 * key follows from address and status, as for the same bounce by two ways. */
static inline struct filing *filing_bounce(struct arena *arena, const char *text,
					   const char *address)
{
	struct filing *filing = ARENA_NEW(arena, struct filing);
	struct filing_event *event = ARENA_NEW(arena, struct filing_event);
	struct report_recipient *recipient = ARENA_NEW(arena, struct report_recipient);
	struct report *report = ARENA_NEW(arena, struct report);
	struct inbound *inbound = ARENA_NEW(arena, struct inbound);
	int64_t now = time_now_ms();

	inbound->received_at = now;
	inbound->source = SLICE("smtp");
	inbound->peer = SLICE("192.0.2.1");
	inbound->helo = SLICE("mx.example.test");
	inbound->raw = (struct buf){ .data = arena_cstr(arena, slice_from_cstr(text)),
				     .len = strlen(text) };
	recipient->address = recipient->matched = slice_from_cstr(address);
	recipient->action = ACTION_FAILED;
	recipient->status = SLICE("5.1.1");
	recipient->reply_code = SLICE("550");
	recipient->reason = REASON_USERUNKNOWN;
	recipient->severity = SEVERITY_HARD;
	recipient->class_ = CLASS_RECIPIENT;
	recipient->diagnostic = SLICE("550 5.1.1 no such user");
	recipient->rule = SLICE("status/5.1.1");
	*report = (struct report){ .kind = REPORT_BOUNCE,
				   .format = SLICE("rfc3464"),
				   .reporting_mta = SLICE("mx.example.test"),
				   .arrival_date = now - 1000,
				   .date = TIME_NONE,
				   .recipients = recipient,
				   .recipient_count = 1 };
	*event = (struct filing_event){ .id = uuid_v7(now),
					.recipient = recipient,
					.kind = REPORT_BOUNCE,
					.trust = TRUST_VERIFIED,
					.attributed = true,
					.address = slice_from_cstr(address),
					.ref = SLICE("42"),
					.campaign = 7,
					.recipient_domain = SLICE("example.test"),
					.provider = SLICE("other"),
					.effect = EFFECT_SUPPRESS,
					.origin = ORIGIN_BOUNCE,
					.stream = SLICE("all"),
					.suppress_address = true,
					.policy = SLICE("default/hard") };
	sha256(slice_from_cstr(address), event->key);
	*filing = (struct filing){ .inbound = inbound,
				   .report = report,
				   .account_id = 1,
				   .report_id = uuid_v7(now),
				   .recipients = ARENA_NEW(arena, struct slice),
				   .recipient_count = 1,
				   .trust = TRUST_VERIFIED,
				   .events = event,
				   .event_count = 1 };
	filing->recipients[0] = SLICE("b-token@bounce.example");
	sha256(slice_from_cstr(text), filing->key);
	return filing;
}

/* A complaint that names nobody but the ref of our token. */
static inline struct filing *filing_complaint(struct arena *arena, const char *text,
					      const char *ref)
{
	struct filing *filing = filing_bounce(arena, text, "");
	struct report_recipient *recipient = ARENA_NEW(arena, struct report_recipient);
	struct report *report = ARENA_NEW(arena, struct report);

	recipient->redacted = true;
	recipient->reason = REASON_FEEDBACK;
	*report = *filing->report;
	report->kind = REPORT_COMPLAINT;
	report->feedback_type = SLICE("abuse");
	report->recipients = recipient;
	filing->report = report;
	filing->events->recipient = recipient;
	filing->events->kind = REPORT_COMPLAINT;
	filing->events->origin = ORIGIN_COMPLAINT;
	filing->events->ref = slice_from_cstr(ref);
	filing->events->suppress_address = false;
	filing->events->stream = SLICE("marketing");
	sha256(slice_from_cstr(text), filing->events->key);
	return filing;
}

/* -- driving a committer -- */

/* One wait for the descriptor or the deadline, and a step. */
static inline bool committer_turn(struct committer *committer)
{
	struct pollfd poll_fd = { .fd = committer_fd(committer), .events = POLLIN };
	int64_t wait = committer_deadline(committer) - time_monotonic_ms();

	if (committer_wants_write(committer))
		poll_fd.events |= POLLOUT;
	poll(&poll_fd, 1, wait < 0 ? 0 : wait > 100 ? 100 : (int)wait);
	return committer_step(committer, time_monotonic_ms());
}

static inline bool committer_wait_ready(struct committer *committer)
{
	int64_t give_up = time_monotonic_ms() + PATIENCE_MS;

	while (!committer_ready(committer) && time_monotonic_ms() < give_up)
		committer_turn(committer);
	return committer_ready(committer);
}

/* Begins a batch that the caller then finishes. */
static inline void commit_begin(struct committer *committer, struct commit_item *items,
				struct filing *const *filings, size_t count)
{
	if (!committer_wait_ready(committer))
		fail_msg("the committer does not become ready");
	for (size_t i = 0; i < count; i++)
		items[i] = (struct commit_item){ .filing = filings[i] };
	committer_begin(committer, items, count);
}

static inline void commit_finish(struct committer *committer)
{
	int64_t give_up = time_monotonic_ms() + 2 * PATIENCE_MS;

	while (!committer_turn(committer)) {
		if (time_monotonic_ms() > give_up)
			fail_msg("the batch does not end");
	}
	assert_false(committer_busy(committer));
}

static inline void commit(struct committer *committer, struct commit_item *items,
			  struct filing *const *filings, size_t count)
{
	commit_begin(committer, items, filings, count);
	commit_finish(committer);
}

#endif
