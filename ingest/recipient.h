/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What RCPT answers: whether an address is one of ours, and whose. Decided from the cached
 * directory alone; nothing here waits, logs or remembers, except the counters.
 *
 * Losing a report for our own mistake (a key or domain not known yet, a wrong clock) is worse than
 * a retry: such recipients get 451. What is wrong by the sender's fault is the domain's choice, and
 * so is what a revoked key signed; unless suddenly most is wrong (ingest/verification_guard.h).
 */
#ifndef BOUNCED_INGEST_RECIPIENT_H
#define BOUNCED_INGEST_RECIPIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/directory.h"
#include "core/inbound.h"
#include "core/slice.h"
#include "ingest/smtp_reply.h"
#include "ingest/verification_guard.h"

/* Why; each is counted apart. The word is the metric's label. */
#define RCPT_OUTCOMES(X)                                                                           \
	X(TOKEN, "token")                       /* a valid token */                                \
	X(LEGACY, "legacy")                     /* fits a legacy pattern */                        \
	X(ROLE, "role")                         /* postmaster, abuse, … at one of our domains */ \
	X(POSTMASTER, "postmaster")             /* without a domain: the operator's */             \
	X(BAD_MAC_ACCEPTED, "bad_mac_accepted") /* the domain takes what it cannot verify */       \
	X(BAD_MAC_REFUSED, "bad_mac_refused")                                                      \
	X(MALFORMED_ACCEPTED, "malformed_accepted") /* no token at all among them */               \
	X(MALFORMED_REFUSED, "malformed_refused")                                                  \
	X(SUSPECT, "suspect")         /* would be refused, but too many are: put off */            \
	X(UNKNOWN_KEY, "unknown_key") /* or unknown account: the token cannot be checked */        \
	X(FUTURE, "future")           /* issued in the future */                                   \
	X(OTHER_DOMAIN, "other_domain")                                                            \
	X(NO_DIRECTORY, "no_directory") /* none was ever loaded */

enum rcpt_outcome {
#define X(name, word) RCPT_##name,
	RCPT_OUTCOMES(X)
#undef X
		RCPT_OUTCOME_COUNT
};

const char *rcpt_outcome_word(enum rcpt_outcome outcome);

struct recipient_counters {
	uint64_t count[RCPT_OUTCOME_COUNT];
	uint64_t macs; /* computed: one for each address at one of our domains, whatever it is */
};

enum rcpt_verdict {
	RCPT_ACCEPT,
	RCPT_REFUSE,  /* for good: 5xx */
	RCPT_REFRESH, /* unknown to this directory: load a fresh one, and decide again */
	RCPT_LATER,   /* 451 */
};

struct recipient_decision {
	enum rcpt_verdict verdict;
	enum rcpt_outcome outcome;
	struct smtp_reply reply;            /* unless RCPT_REFRESH */
	struct inbound_recipient recipient; /* with RCPT_ACCEPT; its address is the one given */
	bool proven; /* it is in answer to our own mail: a valid token or HMAC */
	bool alert;  /* the domain's return paths do not verify any more: tell somebody */
};

struct recipient_rules {
	const struct directory *directory; /* NULL: none was loaded yet */
	struct slice role_names;           /* local parts, separated by blanks */
	struct verification_guard *guard;  /* NULL: none */
	struct slice peer;                 /* the client's address, for the guard */
};

/*
 * address: RCPT's path, without <>. refreshed: the directory is as fresh as can be, so that what it
 * does not know does not exist. Where refreshing fails, the caller answers 451 by itself. A
 * decision is counted, and noted by the guard, unless it is RCPT_REFRESH.
 */
struct recipient_decision recipient_decide(struct slice address,
					   const struct recipient_rules *rules, int64_t unix_ms,
					   bool refreshed, struct recipient_counters *counters);

#endif
