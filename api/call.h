/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of a resource: everything a handler may look at, and the answer it writes. Lives as long
 * as the request; one thread at a time.
 */
#ifndef BOUNCED_API_CALL_H
#define BOUNCED_API_CALL_H

#include "api/negotiate.h"
#include "api/request.h"
#include "api/response.h"
#include "api/server.h"
#include "core/arena.h"
#include "core/slice.h"
#include "store/admin.h"
#include "store/pg.h"

/* Who calls: the account comes from the key, and from nowhere else. */
struct principal {
	uint64_t account_id;
	struct slice key_id;
	unsigned scopes; /* of enum api_scope */
};

struct call {
	const struct api_options *options;
	struct pg *pg;
	struct arena *arena;
	struct request *request;
	struct principal principal;
	enum format format; /* negotiated */
	bool csv_safe;      /* defend against formulas (api/csv.h) */
	struct response *response;
};

#endif
