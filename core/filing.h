/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filing is one report of one account, attributed and trusted, ready to be committed: what ingest
 * hands to the store. Everything in it lives in the arena of its inbound message or of its report,
 * or points into them; all text is UTF-8 without NUL.
 */
#ifndef BOUNCED_CORE_FILING_H
#define BOUNCED_CORE_FILING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/hash.h"
#include "core/inbound.h"
#include "core/reason.h"
#include "core/report.h"
#include "core/uuid.h"

/* What a trusted event does to the suppression list. */
enum effect {
	EFFECT_NONE,
	EFFECT_SUPPRESS,       /* add the subject */
	EFFECT_WOULD_SUPPRESS, /* the account only observes */
};

/* Where a suppression comes from. */
#define ORIGINS(X)                    \
	X(NONE, "")                   \
	X(BOUNCE, "bounce")           \
	X(COMPLAINT, "complaint")     \
	X(UNSUBSCRIBE, "unsubscribe") \
	X(MANUAL, "manual")           \
	X(IMPORT, "import")           \
	X(GROUP, "group")

enum origin {
#define X(name, word) ORIGIN_##name,
	ORIGINS(X)
#undef X
		ORIGIN_COUNT
};

const char *origin_word(enum origin origin);

/* One recipient of the report, or the report as a whole where it names none. */
struct filing_event {
	struct uuid id;                           /* UUIDv7 of received_at */
	uint8_t key[SHA256_LEN];                  /* the event key: the same event by another way */
	const struct report_recipient *recipient; /* NULL where the report names none */
	enum report_kind kind;
	enum trust trust;
	bool late;                     /* the token is too old for what arrived: changes nothing */
	bool attributed;               /* a token, ref or usable address ties it to somebody */
	struct slice address;          /* whom it is about, in normal form; empty when unknown */
	struct slice ref;              /* the platform's recipient or message number */
	uint64_t campaign;             /* 0: none */
	struct slice recipient_domain; /* of address, normal form */
	struct slice provider; /* coarse name of the recipient's mailbox provider; "other" */
	enum effect effect;
	enum origin origin;
	struct slice stream;   /* "all", "marketing", "transactional": what the effect covers */
	bool suppress_address; /* the effect may name the address; otherwise only the ref */
	bool names_ref;        /* the return path proves that `address` is whom `ref` stands for */
	struct slice policy;   /* which policy line acted, e.g. "default/hard" */
	/* The effect happens for the first event of this key only; of the others it is none. */
	bool once;
	uint8_t effect_key[SHA256_LEN]; /* with `once` */
};

struct filing {
	const struct inbound *inbound;
	const struct report *report;
	uint64_t account_id;
	struct uuid report_id;
	uint8_t key[SHA256_LEN];  /* account, recipient token or address, exact message */
	struct slice *recipients; /* envelope recipients of this account */
	size_t recipient_count;
	enum trust trust; /* the best of its events, or of the report itself */
	bool undecided;   /* it may have an effect once DNS says who sent it: to be tried again */
	struct filing_event *events;
	size_t event_count;

	/* filled by the store after COMMIT */
	struct uuid committed_id; /* report_id, or the first report's where this was a duplicate */
	bool duplicate;
};

#endif
