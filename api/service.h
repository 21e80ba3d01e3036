/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API needs from the rest of the program; app/ fills it in. Every function is called from
 * several threads at once, may block, and puts what it returns into the caller's arena.
 */
#ifndef BOUNCED_API_SERVICE_H
#define BOUNCED_API_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/report.h"
#include "core/slice.h"
#include "core/token.h"
#include "core/uuid.h"

/* One raw message, handed over with a key of scope ingest. */
struct api_submission {
	uint64_t account_id;
	struct slice peer; /* the client's address in text */
	struct slice raw;  /* borrowed for the call */
};

struct api_receipt {
	struct uuid report_id;
	bool duplicate; /* the same message was there before: the id is its first report's */
};

/* What became of a token's signature. */
enum token_verdict {
	TOKEN_VALID,
	TOKEN_BAD_MAC,
	TOKEN_UNKNOWN_KEY, /* the account has no such key, or it was revoked */
};

struct api_service {
	void *context;

	/* Reads one message without keeping it. ERR_RETRY: no parser free. */
	enum err (*parse)(void *context, struct slice raw, bool explain, struct arena *arena,
			  struct report *ret_report);
	/* OK: committed. ERR_RETRY: not known to be committed; the same message may be sent again.
	 */
	enum err (*submit)(void *context, const struct api_submission *submission,
			   struct arena *arena, struct api_receipt *ret_receipt);
	/*
	 * The account's bounce domain: `wanted` in normal form, which must be its own or a shared
	 * one, or its first where `wanted` is empty. ERR_MISSING: none such. ERR_RETRY: not known
	 * now.
	 */
	enum err (*bounce_domain)(void *context, uint64_t account_id, struct slice wanted,
				  struct arena *arena, struct slice *ret_domain);
	/*
	 * Signs with the account's current key. kind, account, campaign and ref are set; key, day
	 * and, where `address` is not empty, the commitment to it are added. ERR_MISSING: the
	 * account has no current key. ERR_REFUSE: a number does not fit its field. ERR_RETRY: not
	 * known now.
	 */
	enum err (*mint)(void *context, struct token *token, struct slice address,
			 struct arena *arena, struct slice *ret_text);
	/* Of a decoded token. ERR_RETRY: not known now. */
	enum err (*verify)(void *context, const struct token *token,
			   enum token_verdict *ret_verdict);
};

#endif
