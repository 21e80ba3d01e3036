/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suppression list, read and changed by hand. Every change takes the next number of its account
 * in the statement that writes it, so that numbers are ordered by commit; removals stay as
 * tombstones.
 *
 * All calls block on the connection and copy what they find into the arena. Besides what is said
 * below they answer OK, ERR_RETRY (database away; a write may have happened) and ERR_FATAL
 * (pg_error()). Entries whose time is over and tombstones are not found by any of them.
 */
#ifndef BOUNCED_STORE_SUPPRESSION_QUERY_H
#define BOUNCED_STORE_SUPPRESSION_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/slice.h"
#include "core/uuid.h"
#include "store/pg.h"

/* Whom an entry is about: exactly one of them is not empty. */
struct suppression_subject {
	struct slice address_key; /* normal form */
	struct slice ref;
};

struct suppression_row {
	struct uuid id;
	struct slice stream;
	struct slice address; /* as it came; empty where only the ref is known */
	struct slice address_key;
	struct slice ref;
	struct slice reason;
	struct slice origin;
	struct slice policy;
	struct slice evidence; /* a JSON object */
	bool can_reactivate;
	int64_t change_number;
	int64_t created_at;
	int64_t updated_at;
	int64_t expires_at; /* TIME_NONE: never */
};

struct suppression_rows {
	struct suppression_row *rows;
	size_t count;
};

/* stream: empty for any. No entry is no error: count 0. */
enum err suppression_get(struct pg *pg, uint64_t account_id,
			 const struct suppression_subject *subject, struct slice stream,
			 struct arena *arena, struct suppression_rows *ret_rows) MUST_CHECK;

/* Empty slices and TIME_NONE let everything pass. */
struct suppression_filter {
	struct uuid after; /* all zero: from the beginning */
	struct slice stream;
	struct slice origin;
	struct slice reason;
	int64_t created_from;   /* inclusive */
	int64_t created_before; /* exclusive */
	unsigned limit;
};

/* In the order of ids. */
enum err suppression_list(struct pg *pg, uint64_t account_id,
			  const struct suppression_filter *filter, struct arena *arena,
			  struct suppression_rows *ret_rows) MUST_CHECK;

struct suppression_entry {
	struct uuid id;       /* for a new row */
	struct slice address; /* as given; empty where the subject is a ref */
	struct suppression_subject subject;
	struct slice stream;
	struct slice reason;   /* may be empty */
	struct slice evidence; /* a JSON object */
	int64_t expires_at;    /* TIME_NONE: never */
};

/*
 * Makes sure that the subject is on the list, by hand. An entry that something else put there stays
 * as it is. *ret_created: it was not on the list before.
 */
enum err suppression_put(struct pg *pg, uint64_t account_id, const struct suppression_entry *entry,
			 struct arena *arena, struct suppression_row *ret_row,
			 bool *ret_created) MUST_CHECK;

/* Who takes an entry off the list, and the recipient's consent where there is one. */
struct suppression_removal {
	struct slice by;
	struct slice consent;
};

/*
 * stream: empty for all of the subject's. ERR_MISSING: nothing there. ERR_REFUSE: an entry may only
 * be removed with consent, and there is none; nothing was removed.
 */
enum err suppression_remove(struct pg *pg, uint64_t account_id,
			    const struct suppression_subject *subject, struct slice stream,
			    const struct suppression_removal *removal,
			    struct arena *arena) MUST_CHECK;

/* What is asked about one item: one of the three. */
struct suppression_question {
	struct slice address_key;
	struct slice digest; /* SHA-256 of a normal form, 32 bytes */
	struct slice ref;
};

struct suppression_hit {
	size_t item; /* index of the question */
	struct slice stream;
	struct slice reason;
	struct slice origin;
	struct slice policy;
	struct slice diagnostic;
	struct slice report_id;
	int64_t created_at;
	int64_t expires_at;
};

struct suppression_hits {
	struct suppression_hit *hits; /* by item */
	size_t count;
};

/* At most LIMIT_CHECK_ADDRESSES questions. */
enum err suppression_check(struct pg *pg, uint64_t account_id,
			   const struct suppression_question *questions, size_t count,
			   struct arena *arena, struct suppression_hits *ret_hits) MUST_CHECK;

#endif
