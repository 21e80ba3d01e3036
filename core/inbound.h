/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message as it came in: envelope, peer and exact bytes. Owns its arena, which holds everything
 * but `raw`; inbound_free() releases both.
 */
#ifndef BOUNCED_CORE_INBOUND_H
#define BOUNCED_CORE_INBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/buf.h"
#include "core/slice.h"
#include "core/token.h"

struct authentication;

/* Why a recipient was accepted. */
enum recipient_basis {
	RECIPIENT_TOKEN,      /* a token whose MAC is valid */
	RECIPIENT_UNVERIFIED, /* malformed or wrongly signed, and the domain accepts such */
	RECIPIENT_LEGACY,     /* fits a legacy pattern of its domain */
	RECIPIENT_ROLE,       /* postmaster, abuse, fbl, … */
	RECIPIENT_SUBMITTED,  /* handed over with an API key of scope ingest */
};

struct inbound_recipient {
	struct slice address; /* as RCPT gave it, without <> */
	enum recipient_basis basis;
	uint64_t account_id; /* whose report it is */
	struct token token;  /* for RECIPIENT_TOKEN */
};

struct inbound {
	struct arena *arena;
	int64_t received_at; /* end of data, Unix ms */
	struct slice source; /* "smtp", "lmtp", "api" */
	struct slice listener;
	struct slice peer; /* address in text, without port */
	struct slice helo;
	struct slice tls;       /* "TLSv1.3", empty for none */
	struct slice mail_from; /* without <>; empty for the null sender */
	bool trusted;           /* the listener is: whoever hands over there answers for it */
	struct inbound_recipient *recipients;
	size_t recipient_count;
	bool smtputf8;
	bool bare_eol; /* the data held CR or LF alone, or NUL */
	/* Flags for the report: the DNS block lists that had the client ("listed:zone …") */
	struct slice listed;
	/* Who sent it, once found out; NULL: it was not needed. In the arena of its report. */
	const struct authentication *authentication;
	struct buf raw; /* un-dot-stuffed, with its CRLFs */
};

struct inbound *inbound_new(size_t raw_max);
void inbound_free(struct inbound *inbound);

#endif
