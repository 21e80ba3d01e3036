/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events, read. Calls block on the connection and copy what they find into the arena; besides what
 * is said below they answer OK, ERR_RETRY (database away) and ERR_FATAL (pg_error()).
 */
#ifndef BOUNCED_STORE_EVENT_QUERY_H
#define BOUNCED_STORE_EVENT_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/slice.h"
#include "core/uuid.h"
#include "store/pg.h"

struct event_row {
	struct uuid id;
	int64_t received_at;
	struct uuid report_id;
	struct slice kind;
	struct slice trust;
	bool late;
	bool attributed;
	struct slice address;
	struct slice original_address;
	struct slice ref;
	int64_t campaign; /* 0: none */
	struct slice recipient_domain;
	struct slice provider;
	struct slice action;
	struct slice status;
	struct slice reply_code;
	struct slice reason;
	struct slice severity;
	struct slice class_;
	struct slice remote_mta;
	struct slice diagnostic;
	struct slice rule;
	struct slice matched;
	struct slice feedback_type;
	struct slice effect;
	struct slice policy;
};

struct event_rows {
	struct event_row *rows;
	size_t count;
};

/* Empty slices, 0 and TIME_NONE let everything pass. */
struct event_filter {
	int64_t before_time; /* TIME_NONE: from the newest on */
	struct uuid before_id;
	struct slice address_key; /* normal form */
	struct slice ref;
	struct slice kind;
	struct slice reason;
	struct slice class_;
	uint64_t campaign;
	int64_t received_from;   /* inclusive */
	int64_t received_before; /* exclusive */
	unsigned limit;
};

/* Newest first. */
enum err event_list(struct pg *pg, uint64_t account_id, const struct event_filter *filter,
		    struct arena *arena, struct event_rows *ret_rows) MUST_CHECK;
/* ERR_MISSING: the account has no such event. */
enum err event_get(struct pg *pg, uint64_t account_id, const struct uuid *id, struct arena *arena,
		   struct event_row *ret_row) MUST_CHECK;

#endif
