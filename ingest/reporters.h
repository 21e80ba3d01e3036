/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feedback reporters that are believed: built in (ingest/reporters/), changed by a file of the
 * operator's. One reporter a line, # begins a comment:
 *
 *	name key=value…	where keys are
 *		dkim		domain (d=) of its signature, exactly
 *		spf, networks	or: the envelope's domain, which must pass SPF from one of the
 *networks from		its exact From address; without one any address of the dkim or spf domain
 *		envelope	domain of its envelope sender, or one above it
 *		types		feedback types it may report, comma-separated; "abuse" without it
 *		unsigned	"content-type": its signatures leave that out, and count only where
 *				the envelope passes SPF as well, so that nobody else sent them on
 *		page, checked	where the provider says so, and when that was read
 *	name off	takes the built-in reporters of that name out
 *
 * Names in the operator's file replace built-in ones of the same name. A domain where the public
 *can get a mailbox must have `from`.
 */
#ifndef BOUNCED_INGEST_REPORTERS_H
#define BOUNCED_INGEST_REPORTERS_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/authentication.h"
#include "core/err.h"
#include "core/network.h"
#include "core/slice.h"

struct reporters;

/*
 * The built-in ones, changed by `text` (empty: not at all), whose name stands in errors. Everything
 * lives in the arena. ERR_REFUSE: *ret_error says what is wrong in which line.
 */
enum err reporters_read(struct slice text, const char *name, struct arena *arena,
			struct reporters **ret_reporters, struct slice *ret_error) MUST_CHECK;
/* The same without built-in ones. */
enum err reporters_parse(struct slice text, const char *name, struct arena *arena,
			 struct reporters **ret_reporters, struct slice *ret_error) MUST_CHECK;

struct reporter_evidence {
	const struct authentication *authentication;
	struct slice mail_from;
	const struct ip_address *peer; /* NULL: unknown, as behind a trusted hop */
	struct slice feedback_type;    /* in lower case */
};

struct reporter_proof {
	struct slice name; /* empty: none */
	/* as of struct authentication */
	bool direct;
	bool signed_to;
};

/* The first reporter that the evidence proves. */
struct reporter_proof reporters_find(const struct reporters *reporters,
				     const struct reporter_evidence *evidence);

/* Whether the evidence would prove one, had DNS said the best about each `temperror` in it. */
bool reporters_undecided(const struct reporters *reporters,
			 const struct reporter_evidence *evidence);

#endif
