/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS block lists (RFC 5782), the part without network: which list is configured, the name to ask
 * for, and what an answer says of the client. Pure.
 *
 * A list that answers outside 127.0.0.0/8, or from 127.255.255.0/24, tells us off instead of the
 * client (a refused resolver, a domain that was sold): it has listed nobody, whatever else it says.
 */
#ifndef BOUNCED_INGEST_BLOCK_LIST_H
#define BOUNCED_INGEST_BLOCK_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/network.h"
#include "core/slice.h"
#include "ingest/dns.h"

#define BLOCK_LISTS_MAX       8
#define BLOCK_LIST_RANGES_MAX 8
/* "f.f.….f." of an IPv6 address. */
#define BLOCK_LIST_PREFIX_MAX 64
/* A name that is asked for. */
#define BLOCK_LIST_NAME_MAX 253

enum block_action {
	BLOCK_TAG,    /* the list's name is kept with the report */
	BLOCK_DEFER,  /* 451 */
	BLOCK_REFUSE, /* 550 */
};

/* Addresses of 127.0.0.0/8 as numbers, both ends included. */
struct block_range {
	uint32_t first;
	uint32_t last;
};

struct block_list {
	struct slice name; /* as clients and reports see it */
	struct slice zone;
	enum block_action action;
	struct block_range ranges[BLOCK_LIST_RANGES_MAX]; /* answers that count */
	size_t range_count;
};

/*
 * "zone", "zone=127.0.0.2-127.0.0.11,127.0.1.4", "name:zone": the name stands for a zone that holds
 * a key. Without answers all of 127.0.0.0/8 counts, but for 127.0.0.1 and what never does. The
 * slices point into the word. false: it is no such thing.
 */
bool block_list_parse(struct slice word, enum block_action action, struct block_list *ret_list);

/* The name whose A records say whether the client is listed; in `buffer`. */
struct slice block_list_question(const struct block_list *list, const struct ip_address *client,
				 char buffer[BLOCK_LIST_NAME_MAX + 1]);

enum block_judgement {
	BLOCK_NOT_LISTED,
	BLOCK_LISTED,
	BLOCK_UNKNOWN, /* DNS failed */
	BLOCK_ERROR,   /* the list answered, but not about the client */
};

/* answer: to a question for A records. */
enum block_judgement block_list_judge(const struct block_list *list,
				      const struct dns_answer *answer);

#endif
