/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known from DNS while one message is authenticated. SPF, DKIM and DMARC are pure functions
 * of the message and this table: where an answer is missing they say so, the question is noted as
 * wanted, somebody fetches it, and they run again from their beginning.
 */
#ifndef BOUNCED_INGEST_DNS_H
#define BOUNCED_INGEST_DNS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/slice.h"

/* RFC 1035 3.2.2, RFC 3596 2.1 */
enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28 };

struct dns_question {
	struct slice name; /* lower case, no trailing dot, any bytes; a valid name */
	enum dns_type type;
};

/* A name that does not exist and one without such records are the same: an answer without records.
 */
struct dns_answer {
	bool failed; /* nothing is known: time-out, SERVFAIL */
	/* A, AAAA: 4 or 16 bytes. PTR, MX: a name without trailing dot, MX by preference. TXT: its
	 * strings as one. */
	const struct slice *records;
	size_t count;
};

struct dns_table;

/* Lives in the arena, with all that it holds. */
struct dns_table *dns_table_new(struct arena *arena);

/*
 * The answer, or NULL where it is not known yet; it is wanted then. What cannot be a name has no
 * records. Beyond LIMIT_DNS_QUESTIONS every answer is a failure.
 */
const struct dns_answer *dns_lookup(struct dns_table *table, struct slice name, enum dns_type type);

/* The next wanted question that was not handed out before; NULL: none. Valid like the table. */
const struct dns_question *dns_table_next(struct dns_table *table);
/* Questions handed out that have no answer yet. */
size_t dns_table_unanswered(const struct dns_table *table);
/* The answer to a question that was handed out; copied. */
void dns_table_answer(struct dns_table *table, const struct dns_question *question,
		      const struct dns_answer *answer);
/* Every question without an answer, asked or not, has failed. */
void dns_table_give_up(struct dns_table *table);

/* Labels of 1 to 63 bytes, at most 253 in all; a trailing dot is allowed. */
bool dns_name_valid(struct slice name);
struct slice dns_name_chop(struct slice name);

#endif
