/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports, read. Calls block on the connection and copy what they find into the arena. They answer
 * OK, ERR_MISSING (the account has no such report, or its raw message is no longer kept), ERR_RETRY
 * (database away) and ERR_FATAL (pg_error()).
 */
#ifndef BOUNCED_STORE_REPORT_QUERY_H
#define BOUNCED_STORE_REPORT_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/slice.h"
#include "core/uuid.h"
#include "store/pg.h"

struct report_row {
	struct uuid id;
	int64_t received_at;
	struct slice trust;
	struct slice source; /* "smtp", "lmtp", "api" */
	struct slice peer;
	struct slice helo;
	struct slice tls;
	struct slice mail_from;
	const struct slice *recipients; /* of the envelope, this account's */
	size_t recipient_count;
	int64_t size;
	struct slice flags; /* oddities met, of its lines and of what was read, space-separated */
	struct slice authentication; /* JSON: who sent it; empty where it was not found out */
	struct slice detail;         /* JSON: the report as `bounced parse` prints it */
	const struct slice *events;  /* their ids */
	size_t event_count;
};

enum err report_get(struct pg *pg, uint64_t account_id, const struct uuid *id, struct arena *arena,
		    struct report_row *ret_row) MUST_CHECK;
/* The message exactly as it came, appended to out, whose maximum must allow it. */
enum err report_raw_get(struct pg *pg, uint64_t account_id, const struct uuid *id,
			struct arena *arena, struct buf *out) MUST_CHECK;

#endif
